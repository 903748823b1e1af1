// Copyright (C) the nginx-liveupdate authors

// In the place of the one that unpacks what a server has compressed: the plugin
// asks the test's server, which has no name, no certificate and another port.

package okhttp3.brotli;

import java.io.IOException;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

public class BrotliInterceptor implements Interceptor {
    public static final BrotliInterceptor INSTANCE = new BrotliInterceptor();

    public static int port;

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();

        HttpUrl url = request.url().newBuilder()
            .scheme("http").host("127.0.0.1").port(port).build();

        return chain.proceed(request.newBuilder().url(url).build());
    }
}
