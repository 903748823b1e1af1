// Copyright (C) the nginx-liveupdate authors

// What electron-updater makes of update manifests: its own parser, and its own
// way to the files.
//
//     node manifest.js < manifests.json
//
// Each input is {text, base}; each answer has the error, or the version and
// the addresses of the files.

'use strict';

const fs = require('fs');
const Module = require('module');
const semver = require('semver');

const load = Module._load;

// there is no package of this name here
Module._load = (request, ...rest) =>
    request === 'electron' ? {} : load(request, ...rest);

const { parseUpdateInfo, resolveFiles } =
    require('electron-updater/out/providers/Provider');
const { newBaseUrl } = require('electron-updater/out/util');

process.stdout.write(JSON.stringify(
    JSON.parse(fs.readFileSync(0, 'utf8')).map(read)));


function read({ text, base }) {
    try {
        const url = newBaseUrl(base);
        const info = parseUpdateInfo(text, 'latest.yml', url);

        // as AppUpdater.isUpdateAvailable() does
        if (typeof info.version !== 'string'
            || semver.parse(info.version) === null)
        {
            return { error: `not a version: ${info.version}` };
        }

        return {
            version: info.version,
            files: resolveFiles(info, url).map(file => file.url.href)
        };

    } catch (e) {
        return { error: e.message };
    }
}
