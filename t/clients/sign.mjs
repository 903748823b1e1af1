// Copyright (C) the nginx-liveupdate authors

// Signs bodies of webhooks as GitHub does, with the library that GitHub gives
// to those who check them: for each line with a secret and a body in base64
// it answers with a line.

import { createInterface } from 'node:readline';

import { sign } from '@octokit/webhooks-methods';


for await (const line of createInterface({ input: process.stdin })) {
    const [secret, body] = JSON.parse(line);

    console.log(await sign(secret, Buffer.from(body, 'base64').toString()));
}
