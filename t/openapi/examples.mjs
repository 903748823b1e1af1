// Copyright (C) the nginx-liveupdate authors

// The webhooks that GitHub's users have collected, a line each:
// { event, payload }.

import examples from '@octokit/webhooks-examples' with { type: 'json' };


for (const { name, examples: payloads } of examples) {
    for (const payload of payloads) {
        console.log(JSON.stringify({ event: name, payload }));
    }
}
