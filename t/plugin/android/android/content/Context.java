// Copyright (C) the nginx-liveupdate authors

// The app on a device: its folder, and what it remembers.

package android.content;

import android.content.pm.PackageManager;
import android.content.res.AssetManager;
import android.content.res.Resources;
import java.io.File;
import java.util.HashMap;
import java.util.Map;

public class Context {
    private final File folder;
    private final Map<String, SharedPreferences> remembered = new HashMap<>();

    public Context(File folder) {
        this.folder = folder;

        getFilesDir().mkdirs();
        getCacheDir().mkdirs();
    }

    public SharedPreferences getSharedPreferences(String name, int mode) {
        return remembered.computeIfAbsent(name, key -> new SharedPreferences());
    }

    public File getFilesDir() {
        return new File(folder, "files");
    }

    public File getCacheDir() {
        return new File(folder, "cache");
    }

    public AssetManager getAssets() {
        return new AssetManager();
    }

    public Resources getResources() {
        return new Resources();
    }

    public String getPackageName() {
        return "com.example.app";
    }

    public PackageManager getPackageManager() {
        return new PackageManager();
    }
}
