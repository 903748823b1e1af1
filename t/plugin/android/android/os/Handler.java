// Copyright (C) the nginx-liveupdate authors

package android.os;

import java.util.Timer;
import java.util.TimerTask;

public class Handler {
    private Timer timer = new Timer(true);

    public Handler() {
    }

    public Handler(Looper looper) {
    }

    public boolean postDelayed(Runnable what, long delay) {
        timer.schedule(new TimerTask() {
            @Override
            public void run() {
                what.run();
            }
        }, delay);

        return true;
    }

    public void removeCallbacksAndMessages(Object token) {
        timer.cancel();
        timer = new Timer(true);
    }
}
