// Copyright (C) the nginx-liveupdate authors

// In the place of the one that hands calls of the page on: it has no page.

package io.capawesome.capacitorjs.plugins.liveupdate;

import android.content.Context;
import com.getcapacitor.Bridge;
import io.capawesome.capacitorjs.plugins.liveupdate.classes.events.*;

public class LiveUpdatePlugin {
    public static final String TAG = "LiveUpdate";
    public static final String VERSION = "0.0.0";
    public static final String SHARED_PREFERENCES_NAME = "LiveUpdate";
    public static final String ERROR_BUNDLE_EXISTS = "exists";
    public static final String ERROR_BUNDLE_INDEX_HTML_MISSING = "no index";
    public static final String ERROR_BUNDLE_MOVE_FAILED = "not moved";
    public static final String ERROR_BUNDLE_NOT_FOUND = "not found";
    public static final String ERROR_CHECKSUM_CALCULATION_FAILED = "no sum";
    public static final String ERROR_CHECKSUM_MISMATCH = "wrong sum";
    public static final String ERROR_DOWNLOAD_FAILED = "not downloaded";
    public static final String ERROR_HTTP_TIMEOUT = "too late";
    public static final String ERROR_PUBLIC_KEY_INVALID = "wrong key";
    public static final String ERROR_SIGNATURE_MISSING = "not signed";
    public static final String ERROR_SIGNATURE_VERIFICATION_FAILED = "forged";
    public static final String ERROR_SYNC_IN_PROGRESS = "busy";

    private final Context context;
    private final Bridge bridge;

    public LiveUpdatePlugin(Context context, Bridge bridge) {
        this.context = context;
        this.bridge = bridge;
    }

    public Context getContext() {
        return context;
    }

    public Bridge getBridge() {
        return bridge;
    }

    public void notifyDownloadBundleProgressListeners(
        DownloadBundleProgressEvent event)
    {
    }

    public void notifyNextBundleSetListeners(NextBundleSetEvent event) {
    }

    public void notifyReloadedListeners() {
    }
}
