// Copyright (C) the nginx-liveupdate authors

package com.getcapacitor;

public class PluginCall {
    public String getString(String name) {
        return null;
    }

    public String getString(String name, String none) {
        return none;
    }

    public Integer getInt(String name) {
        return null;
    }
}
