// Copyright (C) the nginx-liveupdate authors

package com.getcapacitor;

public class JSArray extends org.json.JSONArray {
}
