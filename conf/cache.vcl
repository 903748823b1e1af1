
# Varnish in front of nginx-liveupdate; docs/cdn.md explains it.  Requests of
# electron-updater have headers that are longer than Varnish allows:
#
#     varnishd -p http_req_hdr_len=32k -p http_req_size=64k
#         -p workspace_client=256k -p workspace_backend=256k ...

vcl 4.1;

# cache: backend
backend default {
    .host = "192.0.2.1";
    .port = "80";
    .host_header = "updates.example.com";
    .connect_timeout = 2s;
    .first_byte_timeout = 60s;
}

sub vcl_recv {
    unset req.http.X-Liveupdate-Range;

    # Only files are kept.  Update manifests depend on the client.

    if (req.url !~ "^/(artifacts|desktop)/"
        || req.url ~ "^/desktop/[^?]*\.yml")
    {
        return (pass);
    }

    # electron-updater asks for all parts of a file that have changed in one
    # request.  Varnish knows one range only and answers 416, also if it passes.
    # So it does not get to see them.

    if (req.http.Range ~ ",") {
        set req.http.X-Liveupdate-Range = req.http.Range;
        unset req.http.Range;

        return (pass);
    }
}

sub vcl_backend_fetch {
    if (bereq.http.X-Liveupdate-Range) {
        set bereq.http.Range = bereq.http.X-Liveupdate-Range;
        unset bereq.http.X-Liveupdate-Range;
    }
}

sub vcl_backend_response {
    # Files never change; old ones are good enough while the origin is gone.

    set beresp.grace = 1d;
}
