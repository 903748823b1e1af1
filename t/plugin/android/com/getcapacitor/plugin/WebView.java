// Copyright (C) the nginx-liveupdate authors

package com.getcapacitor.plugin;

public class WebView {
    public static final String WEBVIEW_PREFS_NAME = "CapWebViewSettings";
    public static final String CAP_SERVER_PATH = "serverBasePath";
}
