// Copyright (C) the nginx-liveupdate authors

// The built-in bundle has no files here.

package android.content.res;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;

public class AssetManager {
    public InputStream open(String name) throws IOException {
        throw new FileNotFoundException(name);
    }

    public String[] list(String folder) throws IOException {
        return new String[0];
    }
}
