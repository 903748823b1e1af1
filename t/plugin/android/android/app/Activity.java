// Copyright (C) the nginx-liveupdate authors

package android.app;

public class Activity {
    public static final int MODE_PRIVATE = 0;
}
