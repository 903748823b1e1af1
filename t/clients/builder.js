// Copyright (C) the nginx-liveupdate authors

// Makes what electron-builder makes of an app, apart from the app: installers
// of random bytes, of which the next version changes some, with blockmaps and
// manifests as electron-updater reads them.
//
//     node builder.js < builds.json
//
// Each build is {dir, version, id, n, size, edits, targets}: the n-th version
// of the same bytes, each of which differs from the one before in so many
// places.  It may have archs, for x64 unless told, and channels, for "latest".

'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const { execFileSync } = require('child_process');
const { appBuilderPath } = require('app-builder-bin');

const EDIT = 100;

// What an architecture is called in the names of each kind.

const calls = {
    appimage: { x64: 'x86_64' },
    deb: { x64: 'amd64' },
    rpm: { x64: 'x86_64', arm64: 'aarch64' }
};

const targets = {
    nsis: {
        name: (b, arch) => `My App Setup ${b.version} - Build ${b.id}-`
                           + `${arch}.exe`,
        mapped: true
    },
    mac: {
        name: (b, arch) => `My App ${b.version} - Build ${b.id}-`
                           + `${arch}-mac.zip`,
        mapped: true,
        suffix: () => '-mac'
    },
    appimage: {
        name: (b, arch) => `my-app-${b.version}-build-${b.id}-${arch}.AppImage`,
        embedded: true,
        suffix: linux
    },
    deb: {
        name: (b, arch) => `my-app_${b.version}-build-${b.id}_${arch}.deb`,
        suffix: linux
    },
    rpm: {
        name: (b, arch) => `my-app-${b.version}-build-${b.id}.${arch}.rpm`,
        suffix: linux
    }
};

for (const build of JSON.parse(fs.readFileSync(0, 'utf8'))) {
    const manifests = {};

    fs.mkdirSync(build.dir, { recursive: true });

    for (const target of build.targets) {
        for (const arch of build.archs || ['x64']) {
            const { suffix } = targets[target];
            const end = suffix ? suffix(arch) : '';

            (manifests[end] ||= []).push(make(build, target, arch));
        }
    }

    for (const end of Object.keys(manifests)) {
        for (const channel of build.channels || ['latest']) {
            fs.writeFileSync(path.join(build.dir, `${channel}${end}.yml`),
                             manifest(build, manifests[end]));
        }
    }
}


function linux(arch) {
    return arch === 'x64' ? '-linux' : `-linux-${arch}`;
}


// Writes an installer: what a manifest says of it.

function make(build, target, arch) {
    const { name, embedded, mapped } = targets[target];

    const called = name(build, (calls[target] || {})[arch] || arch);
    const file = path.join(build.dir, called);
    const bytes = content(build, arch === 'x64' ? target : `${target} ${arch}`);

    fs.writeFileSync(file, bytes);

    if (embedded || mapped) {
        return { called, ...blockmap(file, embedded) };
    }

    return {
        called, size: bytes.length,
        sha512: crypto.createHash('sha512').update(bytes).digest('base64')
    };
}


function manifest(build, files) {
    const day = String(build.n).padStart(2, '0');

    return `version: ${build.version}\n` +
        'files:\n' +
        files.map(one => `  - url: ${one.called}\n` +
            `    sha512: ${one.sha512}\n` +
            `    size: ${one.size}\n` +
            (one.blockMapSize ? `    blockMapSize: ${one.blockMapSize}\n`
                              : '')).join('') +
        `path: ${files[0].called}\n` +
        `sha512: ${files[0].sha512}\n` +
        `releaseDate: '2026-01-${day}T00:00:00.000Z'\n`;
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


// What the real one makes of the file: beside it, or behind its bytes.

function blockmap(file, embedded) {
    const how = embedded ? ['--compression', 'deflate']
                         : ['--output', `${file}.blockmap`];

    return JSON.parse(execFileSync(appBuilderPath,
                                   ['blockmap', '--input', file, ...how]));
}


function sha256(data) {
    return crypto.createHash('sha256').update(data).digest();
}
