// Copyright (C) the nginx-liveupdate authors

package androidx.annotation;

public @interface Nullable {
}
