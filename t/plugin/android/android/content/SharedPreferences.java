// Copyright (C) the nginx-liveupdate authors

package android.content;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

public class SharedPreferences {
    private final Map<String, Object> values = new ConcurrentHashMap<>();

    public String getString(String key, String none) {
        Object value = values.get(key);

        return value == null ? none : (String) value;
    }

    public int getInt(String key, int none) {
        return (Integer) values.getOrDefault(key, none);
    }

    public Editor edit() {
        return new Editor();
    }

    public class Editor {
        public Editor putString(String key, String value) {
            if (value == null) {
                return remove(key);
            }

            values.put(key, value);
            return this;
        }

        public Editor putInt(String key, int value) {
            values.put(key, value);
            return this;
        }

        public Editor remove(String key) {
            values.remove(key);
            return this;
        }

        public void apply() {
        }

        public boolean commit() {
            return true;
        }
    }
}
