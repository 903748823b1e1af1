'use strict';

// Copyright (C) the nginx-liveupdate authors

// Our reader of update manifests beside electron-updater's, which uses
// js-yaml: the same version, and for each file that it may download the name,
// the digest and the size.

const crypto = require('crypto');

const { chance, clients, differ, mutate, pick, random, repeat, unhex }
    = require('./differ.js');

const yaml = clients('js-yaml');
const { parseUpdateInfo, resolveFiles }
    = clients('electron-updater/out/providers/Provider.js');

const base = new URL('https://updates.example.com/desktop/app/');

const versions = ['1.0.0', '1.2', '1', '1.0', '0x10', '1e3', '1.10.0-beta.1',
    '2026-01-01', '1_000', '~', 'null', 'true', 'yes', '010', '1:30', '.5',
    'v1.0.0', '1.0.0+5', '=1', "1.0.0'", '1.0.0 # x', 'é', '0o7', '.inf'];
const names = ['app-1.0.0.exe', 'App Setup 1.0.0.exe', 'App%20Setup.exe',
    'größe.dmg', 'a&b.zip', 'a#b.zip', 'a?b.zip', 'a+b.AppImage', '100%.exe',
    '../x.exe', '//host/x.exe', 'https://host/x.exe', '/x.exe', 'sub/x.exe',
    ' x.exe', 'x.exe ', 'x.exe\t', '.x', '..', '', 'x%2Fy.exe', 'x\\y.exe',
    'x%00.exe', 'a:b.exe', 'c:x.exe', "it's.exe", '日本.exe', 'x%zz.exe',
    './x.exe', 'x;y.exe', 'x|y.exe', 'file:x.exe', 'x%2e%2e.exe', '%2e%2e'];
const words = ['- ', ': ', '\n', '\n  ', ' #', '"', "'", '|', '>-', '&a ',
    '*a', '<<: ', '!!str ', '{', '}', '[', ']', ', ', '? ', '---\n', '...\n',
    '%YAML 1.1\n', '\t', '\r', '\ufeff', '\u0085', '\u2028', '\\x41', '~',
    'null', 'version: ', 'files:\n', '  - url: x.exe\n', 'size: 1',
    'size: 0x10', 'size: 1_0', 'size: 010', 'size: 1e3', 'size: 1.0'];

const sha512 = text => crypto.createHash('sha512').update(text)
    .digest('base64');

function file() {
    const name = chance(70) ? `app-${random(9)}.exe` : pick(names);

    return { url: name, sha512: sha512(name),
             ...chance(80) && { size: chance(90) ? random(1e9) : 2 ** 53 },
             ...chance(20) && { blockMapSize: random(1e5) },
             ...chance(10) && { isAdminRightsRequired: true } };
}

function make() {
    const info = {
        version: chance(60) ? `1.${random(9)}.${random(9)}` : pick(versions),
        ...chance(90) && { files: repeat(random(4), file) },
        ...chance(60) && { path: 'app-1.exe', sha512: sha512('app-1.exe') },
        ...chance(10) && { packages: { x64: { path: 'web.7z', size: 5,
                                              sha512: sha512('web') } } },
        ...chance(50) && { releaseDate: '2026-01-01T00:00:00.000Z' },
        ...chance(20) && { releaseNotes: 'a\n\n  b: c\n- "d"\n' },
        ...chance(20) && { stagingPercentage: random(101) },
        ...chance(10) && { minimumSystemVersion: '10.13' },
    };
    let text = yaml.dump(info, { lineWidth: pick([-1, 80, 8000]),
                                 forceQuotes: chance(20),
                                 flowLevel: chance(10) ? 2 : -1 });

    // as people write it who do it by hand
    if (chance(20)) {
        text = text.replace(/^version: .*/m, `version: ${pick(versions)}`);
    }

    if (chance(10)) {
        text = text.replace(/\n/g, '\r\n');
    }

    if (chance(5)) {
        text = '\ufeff' + text;
    }

    return chance(50) ? mutate(text, words) : text;
}

// The response is text for electron-updater: what is not UTF-8 is replaced.

function theirs(buffer) {
    const info = parseUpdateInfo(buffer.toString(), 'latest.yml', base);

    if (typeof info.version !== 'string') {
        throw new Error('the version is not a string');
    }

    const files = resolveFiles(info, base).map(({ url, info }) => {
        const digest = Buffer.from(info.sha512, 'base64');

        if (typeof info.sha512 !== 'string' || digest.length !== 64) {
            throw new Error('no sha512');
        }

        return [url.href, digest.toString('hex'), info.size];
    });

    return { version: info.version, files };
}

// The name of the file that nginx looks for, or nothing.

function requested(href) {
    const path = href.replace(/[?#].*/, '');

    if (!path.startsWith(base.href) || /%(?![\da-f]{2})/i.test(path)) {
        return undefined;
    }

    return Buffer.from(path.slice(base.href.length)
        .replace(/%(..)/g, (all, hex) => String.fromCharCode(`0x${hex}`)),
                       'latin1').toString();
}

function unlike(ours, theirs) {
    const [version, ...parts] = ours.split(',');
    const found = new Map();

    for (let i = 0; i < parts.length; i += 3) {
        found.set(unhex(parts[i]).toString(), parts.slice(i + 1));
    }

    if (unhex(version).toString() !== theirs.version) {
        return `we: ${unhex(version)}, they: ${theirs.version}`;
    }

    for (const [href, digest, size] of theirs.files) {
        const name = requested(href);

        if (!found.has(name)) {
            return `they: ${href}, we: ${[...found.keys()]}`;
        }

        if (found.get(name)[0] !== digest) {
            return `${name} has another digest`;
        }

        // of two entries for one file, one may have the size

        if (size !== undefined && found.get(name)[1] !== String(size)) {
            return `${name}: we ${found.get(name)[1]}, they ${size}`;
        }
    }
}

differ({ kind: 'yaml', other: 'js-yaml and electron-updater', make, theirs,
         unlike, stricter: [/./] });
