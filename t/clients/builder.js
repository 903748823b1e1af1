// Copyright (C) the nginx-liveupdate authors

// Makes what electron-builder makes of an app, apart from the app: installers
// of random bytes, of which the next version changes some, with blockmaps and
// manifests as electron-updater reads them.
//
//     node builder.js < builds.json
//
// Each build is {dir, version, id, n, size, edits, targets}: the n-th version
// of the same bytes, each of which differs from the one before in so many
// places.

'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');

const MIN = 8 << 10;
const AVERAGE = 16 << 10;
const MAX = 32 << 10;

const EDIT = 100;

const gear = new Int32Array(256);

for (let i = 0; i < 256; i++) {
    gear[i] = sha256(`gear ${i}`).readInt32LE(0);
}

const targets = {
    nsis: {
        name: b => `My App Setup ${b.version} - Build ${b.id}-x64.exe`,
        manifest: 'latest.yml'
    },
    appimage: {
        name: b => `my-app-${b.version}-build-${b.id}-x86_64.AppImage`,
        manifest: 'latest-linux.yml',
        embedded: true
    },
    mac: {
        name: b => `My App ${b.version} - Build ${b.id}-x64-mac.zip`,
        manifest: 'latest-mac.yml'
    }
};

for (const build of JSON.parse(fs.readFileSync(0, 'utf8'))) {
    fs.mkdirSync(build.dir, { recursive: true });

    for (const target of build.targets) {
        make(build, target);
    }
}


function make(build, target) {
    const { name, manifest, embedded } = targets[target];

    const file = path.join(build.dir, name(build));

    let bytes = content(build, target);
    let more = '';

    const map = Buffer.from(JSON.stringify(blockmap(bytes)));

    if (embedded) {
        const packed = zlib.deflateRawSync(map);
        const size = Buffer.alloc(4);

        size.writeUInt32BE(packed.length);
        bytes = Buffer.concat([bytes, packed, size]);
        more = `    blockMapSize: ${packed.length}\n`;

    } else {
        fs.writeFileSync(`${file}.blockmap`, zlib.gzipSync(map));
    }

    fs.writeFileSync(file, bytes);

    const sha512 = crypto.createHash('sha512').update(bytes).digest('base64');

    fs.writeFileSync(path.join(build.dir, manifest),
        `version: ${build.version}\n` +
        'files:\n' +
        `  - url: ${name(build)}\n` +
        `    sha512: ${sha512}\n` +
        `    size: ${bytes.length}\n` +
        more +
        `path: ${name(build)}\n` +
        `sha512: ${sha512}\n` +
        `releaseDate: '2026-01-0${build.n}T00:00:00.000Z'\n`);
}


// What is in front ends at once when it is run.  Each version has bytes of its
// own at so many places, evenly spread, and in the first third a few more than
// the one before it, so that what follows moves.

function content(build, target) {
    const space = Math.floor(build.size / build.edits);

    let bytes = random(`${target} 1`, build.size);

    bytes.write('#!/bin/sh\nexit 0\n');

    for (let n = 2; n <= build.n; n++) {
        const fresh = random(`${target} ${n}`, build.edits * EDIT);

        for (let i = 0; i < build.edits; i++) {
            fresh.copy(bytes, i * space + (space >> 1), i * EDIT,
                       (i + 1) * EDIT);
        }

        const third = Math.floor(build.size / 3);

        bytes = Buffer.concat([
            bytes.subarray(0, third), random(`${target} ${n} more`, 1000),
            bytes.subarray(third)
        ]);
    }

    return bytes;
}


function random(seed, size) {
    const key = sha256(seed);
    const cipher = crypto.createCipheriv('aes-256-ctr', key, Buffer.alloc(16));

    return cipher.update(Buffer.alloc(size));
}


// Blocks end where the bytes say so, of which the hash remembers the last 32,
// so that a change moves no block but its own.

function blockmap(bytes) {
    const checksums = [];
    const sizes = [];

    let start = 0;
    let hash = 0;

    for (let i = 0; i < bytes.length; i++) {
        const size = i + 1 - start;

        hash = (hash << 1) + gear[bytes[i]] | 0;

        if (i + 1 < bytes.length
            && (size < MIN || (hash >>> 0) >= 2 ** 32 / (AVERAGE - MIN))
            && size < MAX)
        {
            continue;
        }

        checksums.push(sha256(bytes.subarray(start, i + 1))
                       .toString('base64', 0, 18));
        sizes.push(size);

        start = i + 1;
        hash = 0;
    }

    return {
        version: '2', files: [{ name: 'file', offset: 0, checksums, sizes }]
    };
}


function sha256(data) {
    return crypto.createHash('sha256').update(data).digest();
}
