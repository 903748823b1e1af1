// Copyright (C) the nginx-liveupdate authors

package android.content.pm;

public class PackageManager {
    public static class NameNotFoundException extends Exception {
    }

    public static class PackageInfoFlags {
        public static PackageInfoFlags of(long flags) {
            return new PackageInfoFlags();
        }
    }

    public PackageInfo getPackageInfo(String name, PackageInfoFlags flags)
        throws NameNotFoundException
    {
        return new PackageInfo();
    }

    public PackageInfo getPackageInfo(String name, int flags)
        throws NameNotFoundException
    {
        return new PackageInfo();
    }
}
