// Copyright (C) the nginx-liveupdate authors

package com.getcapacitor;

public class Logger {
    public static void debug(String tag, String text) {
        System.err.println(text);
    }

    public static void warn(String tag, String text) {
        System.err.println(text);
    }

    public static void error(String tag, String text, Throwable why) {
        System.err.println(text + " " + why);
    }
}
