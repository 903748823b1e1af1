// Copyright (C) the nginx-liveupdate authors

// What a release would change, for the person who approves it: for whom, which
// files differ from what is live, and what its makers say.

import { get, getIfAny, part, post } from './api.js';
import {
    bytes, code, element, foreign, none, percent, table, time,
} from './dom.js';
import { PLATFORMS, linked, may, place, plural } from './release.js';

// Live releases that one release is compared with, at most.

const COMPARED = 3;

const EFFECTS = {
    new: 'first release', update: 'update', back: 'older version',
    lost: 'no update any more',
};


const FILES = {
    windows: /\.(exe|msi|appx|nupkg|nsis\.7z)$/,
    mac: /\.(dmg|pkg)$|[-_.]mac[-_.].*zip$|-mac\.zip$/,
    linux: /\.(AppImage|deb|rpm|snap|flatpak|pacman|apk|tar\.\w+)$/,
};


// -- for whom ----------------------------------------------------------------

export function effectTable(effects) {
    if (effects.length === 0) {
        return element('p', { class: 'hint' }, 'Nothing changes for anybody.');
    }

    return table('Who gets what',
        ['Who', 'Gets now', 'Will get', 'Share', 'Effect'],
        effects.map((one) => ({ key: one.manifest || one.platform, cells: [
            place(one), versionOf(one.from), versionOf(one.to),
            percent(one.share), EFFECTS[one.effect],
        ] })));
}


function versionOf(release) {
    return release ? foreign(release.version || release.id) : none();
}


// -- the data ----------------------------------------------------------------

// What a staged desktop release is compared with; null for all others.  known
// keeps it until the app changes.

export async function reviewOf(base, app, release, latest, known) {
    if (release.state !== 'staged' || release.kind !== 'desktop') {
        return null;
    }

    if (known.reviewed === app.generation) {
        return known.review;
    }

    let effects = null, said = [];

    if (may('approve')) {
        try {
            ({ effects, warnings: said = [] } = await post(
                `${base}/${part(release.id)}/promote?dry-run`, {}));

        } catch (failure) {
            if (failure.status === 0 || failure.status === 401) {
                throw failure;
            }
        }
    }

    // which release is live for which platforms

    const places = new Map();

    for (const { from, platform } of effects || []) {
        if (from) {
            places.set(from.id, (places.get(from.id) || new Set())
                .add(platform));
        }
    }

    if (places.size === 0 && latest) {
        places.set(latest.id, new Set(release.platforms));
    }

    const live = [];

    for (const [id, platforms] of [...places].slice(0, COMPARED)) {
        const one = await getIfAny(`${base}/${part(id)}`);

        live.push(one && { ...one, liveFor: platforms });
    }

    known.review = { effects, said,
                     live: live.filter((one) => one !== null) };
    known.reviewed = app.generation;

    return known.review;
}


// -- what is shown -----------------------------------------------------------

export function review(app, release, found) {
    const notes = typeof release.releaseNotes === 'string'
        && release.releaseNotes.trim() !== ''
        && element('section', { 'data-key': 'notes' },
               element('h2', {}, 'Release notes'),
               element('pre', { class: 'notes' }, release.releaseNotes));

    if (!found) {
        return [notes, signatures(release)];
    }

    return [
        found.effects && element('section', { 'data-key': 'changes' },
            element('h2', {}, 'What an approval changes'),
            effectTable(found.effects), warnings(found.said)),
        notes,
        signatures(release),
        element('section', { 'data-key': 'compared' },
            element('h2', {}, 'Compared with what is live'),
            found.live.length === 0
                ? element('p', { class: 'quiet' },
                          'It replaces no live release.')
                : compared(app, release, found.live)),
    ];
}


// Files are told apart by their names without version and id, which differ.

function kindOf(href, release) {
    let name = href;

    for (const word of [release.id, release.version]) {
        if (word) {
            name = name.split(word).join('…');
        }
    }

    return name;
}


// The platform that a file is for; undefined: its name does not say.

function platformOf(href) {
    const name = href.replace(/\.blockmap$/, '');

    return /\.(yml|json)$/.test(name)
        ? /-mac[-.]/.test(name) ? 'mac'
          : /-linux[-.]/.test(name) ? 'linux' : 'windows'
        : Object.keys(FILES).find((platform) => FILES[platform].test(name));
}


function compared(app, release, live) {
    const before = new Map();

    for (const other of live) {
        for (const file of other.files || []) {
            const kind = kindOf(file.href, other);
            const platform = platformOf(file.href);

            // others keep what they have

            if (!before.has(kind)
                && (!platform || other.liveFor.has(platform)))
            {
                before.set(kind, { ...file, release: other });
            }
        }
    }

    const rows = [];
    let same = 0;

    for (const file of release.files || []) {
        const kind = kindOf(file.href, release);
        const old = before.get(kind);

        before.delete(kind);

        if (old && old.sha256 === file.sha256) {
            same++;
            continue;
        }

        rows.push({ key: file.href, cells: [
            foreign(file.href), bytes(file.size),
            old ? bytes(old.size) : none(),
            old ? difference(file.size - old.size) : 'new',
        ] });
    }

    for (const [, file] of before) {
        rows.push({ key: `-${file.href}`, cells: [
            foreign(file.href), none(), bytes(file.size), 'not in it',
        ] });
    }

    const right = (name) => ({ name, class: 'number' });
    const changed = live.flatMap((one) => [...one.liveFor]);
    const keep = [...new Set(live.flatMap((one) => one.platforms || []))]
        .filter((platform) => !changed.includes(platform))
        .map((platform) => PLATFORMS[platform]);

    return [
        element('p', {}, 'Live now: ', live.map((one, i) => [
            i ? ', ' : '', linked(app, one)])),
        rows.length > 0 && table('Compared files',
            ['File', right('Size'), right('Live now'), right('Difference')],
            rows),
        same > 0 && element('p', { class: 'quiet' },
            plural(same, 'file is the same.', 'files are the same.')),
        keep.length > 0 && element('p', { class: 'quiet' },
            `It has no files for ${keep.join(' and ')}, where nothing `
            + 'changes.'),
    ];
}


function difference(value) {
    return value === 0 ? 'same size'
         : `${value > 0 ? '+' : '−'}${bytes(Math.abs(value))}`;
}


// -- signatures --------------------------------------------------------------

export function warnings(texts) {
    return texts.map((text) => element('p', { class: 'wrong' },
                                       foreign(text)));
}


function signatures(release) {
    const files = release.signatures || [];

    return files.length > 0
        && element('section', { 'data-key': 'signatures' },
            element('h2', {}, 'Signatures'),
            table('Signatures',
                ['File', { name: 'Signature', class: 'long' }],
                files.map((file) => ({ key: file.href, cells: [
                    foreign(file.href), signatureOf(file),
                ] }))),
            element('p', { class: 'hint' },
                release.signaturesCount > files.length
                    && `These are the first ${files.length} of `
                       + `${release.signaturesCount} files. `,
                'The server did not check whether Windows trusts these '
                + 'certificates, and whose signatures macOS finds.'));
}


function signatureOf(file) {
    if (file.state === 'unsigned') {
        return 'not signed';
    }

    if (file.platform === 'mac' && file.state === 'signed') {
        return 'a code signature, '
               + `${file.ticket ? 'with' : 'without'} a ticket of notarisation`;
    }

    return [
        file.state === 'altered'
            && element('div', { class: 'wrong' },
                       'changed after it was signed'),
        file.reason && element('div', { class: 'wrong' },
                               foreign(file.reason)),
        (file.signers || []).map((one) => element('div', {},
            'signed by ',
            foreign(one.publisher || one.organization
                    || 'somebody without a name'),
            one.issuer && [', certificate of ', foreign(one.issuer)],
            ', valid from ', time(one.notBefore), ' to ', time(one.notAfter),
            one.timestamped ? ', with a timestamp' : ', without a timestamp')),
    ];
}


// -- commits -----------------------------------------------------------------

const COMMITS = [
    [/^github\./, 'commit'], [/^gitlab\./, '-/commit'],
    [/^bitbucket\.org$/, 'commits'],
];

export function commitOf({ commit, remote }) {
    if (!commit) {
        return null;
    }

    const [, host, path] = new RegExp(
        '^(?:https://|ssh://git@|git://|git@)([\\w.-]+)[/:]'
        + '([\\w.-]+(?:/[\\w.-]+?)+?)(?:\\.git)?/?$').exec(remote || '') || [];

    const [, way] = COMMITS.find(([name]) => name.test(host || '')) || [];

    if (!way || !/^[0-9a-f]{7,64}$/.test(commit)) {
        return code(commit);
    }

    return element('a', {
        href: `https://${host}/${path}/${way}/${commit}`,
        rel: 'noreferrer',
    }, code(commit));
}


// -- links for testers -------------------------------------------------------

export function linksTo(app, release, key) {
    const files = (release.files || []).filter(({ href }) =>
        !/\.(blockmap|yml|json)$/.test(href));
    const base = `${location.origin}/download/${part(app.id)}/staged/`
                 + `${part(release.id)}/`;
    const address = (href) =>
        `${base}${href.split('/').map(part).join('/')}?key=${key}`;

    return element('ul', {}, files.map(({ href, size }) =>
        element('li', {},
            element('a', { href: address(href), rel: 'noreferrer' },
                    foreign(href)),
            ` ${bytes(size)}`)));
}


export function whole(base, release) {
    return release.files ? release : get(`${base}/${part(release.id)}`);
}
