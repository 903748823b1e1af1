// Copyright (C) the nginx-liveupdate authors

// What the web view shows: a bundle.

package com.getcapacitor;

public class Bridge {
    public static final String DEFAULT_WEB_ASSET_DIR = "public";

    private String path;

    public Bridge(String path) {
        this.path = path;
    }

    public String getServerBasePath() {
        return path;
    }

    public void setServerBasePath(String path) {
        this.path = path;
    }

    public void setServerAssetPath(String path) {
        this.path = path;
    }

    public void reload() {
    }
}
