// Copyright (C) the nginx-liveupdate authors

// A device with an app that has the plugin: lines with a word in, lines of JSON
// out.
//
//     java device.Main FOLDER PORT APP READY-TIMEOUT BLOCKS STRATEGY
//
//     start    the app is started, anew: what it runs
//     current  what it runs
//     next     what it runs when it is started
//     page     its page is loaded
//     ready    it says that it is ready
//     sync     it asks for an update, and gets it: what runs next

package device;

import android.content.Context;
import com.getcapacitor.Bridge;
import com.getcapacitor.JSObject;
import com.getcapacitor.plugin.WebView;
import io.capawesome.capacitorjs.plugins.liveupdate.LiveUpdate;
import io.capawesome.capacitorjs.plugins.liveupdate.LiveUpdateConfig;
import io.capawesome.capacitorjs.plugins.liveupdate.LiveUpdatePlugin;
import io.capawesome.capacitorjs.plugins.liveupdate.classes.options.SyncOptions;
import io.capawesome.capacitorjs.plugins.liveupdate.interfaces.NonEmptyCallback;
import io.capawesome.capacitorjs.plugins.liveupdate.interfaces.Result;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.util.concurrent.SynchronousQueue;
import okhttp3.brotli.BrotliInterceptor;

public class Main {
    private static final SynchronousQueue<String> answers =
        new SynchronousQueue<>();

    public static void main(String[] args) throws Exception {
        Context context = new Context(new File(args[0]));
        LiveUpdateConfig config = new LiveUpdateConfig();

        BrotliInterceptor.port = Integer.parseInt(args[1]);

        config.setAppId(args[2]);
        config.setServerDomain("localhost");
        config.setDefaultChannel("default");
        config.setReadyTimeout(Integer.parseInt(args[3]));
        config.setAutoBlockRolledBackBundles(args[4].equals("1"));
        config.setAutoUpdateStrategy(args[5]);

        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in));
        LiveUpdate app = null;

        for (String word; (word = in.readLine()) != null; /* void */) {

            if (word.equals("start")) {
                app = start(context, config);
            }

            System.out.println(answer(app, word));
        }

        System.exit(0);
    }

    // the web view begins with what was set for it before

    private static LiveUpdate start(Context context, LiveUpdateConfig config)
        throws Exception
    {
        String path = context
            .getSharedPreferences(WebView.WEBVIEW_PREFS_NAME, 0)
            .getString(WebView.CAP_SERVER_PATH, Bridge.DEFAULT_WEB_ASSET_DIR);

        return new LiveUpdate(config, new LiveUpdatePlugin(
            context, new Bridge(path)));
    }

    private static String answer(LiveUpdate app, String word) throws Exception {
        NonEmptyCallback<Result> callback = new NonEmptyCallback<Result>() {
            @Override
            public void success(Result result) {
                tell(result.toJSObject());
            }

            @Override
            public void error(Exception e) {
                tell(new JSObject().put("error", String.valueOf(e)));
            }
        };

        Thread thread = new Thread(() -> {
            switch (word) {

            case "page":
                app.handleOnPageLoaded();
                tell(new JSObject());
                break;

            case "ready":
                app.ready(callback);
                break;

            case "sync":
                app.sync(new SyncOptions((String) null), callback);
                break;

            case "next":
                app.getNextBundle((NonEmptyCallback) callback);
                break;

            default: /* start, current */
                app.getCurrentBundle((NonEmptyCallback) callback);
            }
        });

        thread.start();

        return answers.take();
    }

    private static void tell(JSObject answer) {
        try {
            answers.put(answer.toString());

        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
