// Copyright (C) the nginx-liveupdate authors

package androidx.core.content.pm;

import android.content.pm.PackageInfo;

public class PackageInfoCompat {
    public static long getLongVersionCode(PackageInfo info) {
        return 1;
    }
}
