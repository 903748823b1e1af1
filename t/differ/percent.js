'use strict';

// Copyright (C) the nginx-liveupdate authors

// What Java's URLEncoder writes, our decoder reads as it was.

const path = require('path');
const { spawnSync } = require('child_process');

const { differ, inputs, pick, random, repeat, unhex, unlike }
    = require('./differ.js');

const points = () => pick([random(0x80) || 1, random(0x800) || 1,
                           random(0xd800) || 1, 0x10000 + random(0x100000),
                           '%+&=;/?# ~*-._!\'()'.codePointAt(random(18))]);

const texts = repeat(inputs, () =>
    repeat(random(40), () => String.fromCodePoint(points())).join(''));

const java = spawnSync('java', [
    '-Dfile.encoding=UTF-8', '-cp', '/usr/share/java/zip4j.jar',
    path.join(__dirname, 'Reader.java'), 'percent',
], {
    input: texts.map(text => Buffer.from(text).toString('base64')).join('\n')
           + '\n',
    maxBuffer: 1 << 30,
    stdio: ['pipe', 'pipe', 'inherit'],
});

const encoded = java.stdout.toString().split('\n').slice(0, -1);

if (java.status !== 0 || encoded.length !== inputs) {
    throw new Error('Java did not encode all');
}

let made = 0, read = 0;

differ({ kind: 'percent', other: "Java's URLEncoder",
         make: () => encoded[made++], theirs: () => texts[read++],
         unlike: unlike(hex => unhex(hex).toString()), stricter: [] });
