// Copyright (C) the nginx-liveupdate authors

// What a release would change, for the person who approves it: for whom, which
// files differ from what is live, and what its makers say.

import { get, getIfAny, part, post } from './api.js';
import {
    bytes, code, element, foreign, none, percent, table,
} from './dom.js';
import { linked, may, place, plural } from './release.js';

// Live releases that one release is compared with, at most.

const COMPARED = 3;

const EFFECTS = {
    new: 'first release', update: 'update', back: 'back', lost: 'no update',
};


// -- for whom ----------------------------------------------------------------

export function effectTable(effects) {
    if (effects.length === 0) {
        return element('p', { class: 'hint' }, 'Nobody gets anything else.');
    }

    return table('Who gets what', ['For', 'Now', 'Then', 'Share', ''],
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

    let effects = null;

    if (may('approve')) {
        try {
            ({ effects } = await post(
                `${base}/${part(release.id)}/promote?dry-run`, {}));

        } catch (failure) {
            if (failure.status === 0 || failure.status === 401) {
                throw failure;
            }
        }
    }

    const ids = new Set((effects || []).filter((one) => one.from)
        .map((one) => one.from.id));

    if (ids.size === 0 && latest) {
        ids.add(latest.id);
    }

    const live = [];

    for (const id of [...ids].slice(0, COMPARED)) {
        live.push(await getIfAny(`${base}/${part(id)}`));
    }

    known.review = { effects, live: live.filter((one) => one !== null) };
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
        return [notes];
    }

    return [
        found.effects && element('section', { 'data-key': 'changes' },
            element('h2', {}, 'What an approval changes'),
            effectTable(found.effects)),
        notes,
        element('section', { 'data-key': 'compared' },
            element('h2', {}, 'Compared with what is live'),
            found.live.length === 0
                ? element('p', { class: 'quiet' },
                          'There is no live release that it would replace.')
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


function compared(app, release, live) {
    const before = new Map();

    for (const other of live) {
        for (const file of other.files || []) {
            const kind = kindOf(file.href, other);

            if (!before.has(kind)) {
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

    // what those have who keep the release that they have is not gone

    for (const [, file] of before) {
        rows.push({ key: `-${file.href}`, cells: [
            foreign(file.href), none(), bytes(file.size), 'not in it',
        ] });
    }

    const right = (name) => ({ name, class: 'number' });

    return [
        element('p', {}, 'Live now: ', live.map((one, i) => [
            i ? ', ' : '', linked(app, one)])),
        rows.length > 0 && table('Compared files',
            ['File', right('Size'), right('Live now'), right('Difference')],
            rows),
        same > 0 && element('p', { class: 'quiet' },
            plural(same, 'file is the same.', 'files are the same.')),
    ];
}


function difference(value) {
    return value === 0 ? 'same size'
         : `${value > 0 ? '+' : '−'}${bytes(Math.abs(value))}`;
}


// -- commits -----------------------------------------------------------------

const COMMITS = {
    'github.com': 'commit', 'gitlab.com': '-/commit',
    'bitbucket.org': 'commits',
};

export function commitOf({ commit, remote }) {
    if (!commit) {
        return null;
    }

    const [, host, path] = new RegExp(
        '^(?:https://|ssh://git@|git://|git@)([\\w.-]+)[/:]'
        + '([\\w.-]+(?:/[\\w.-]+?)+?)(?:\\.git)?/?$').exec(remote || '') || [];

    if (!COMMITS[host] || !/^[0-9a-f]{7,64}$/.test(commit)) {
        return code(commit);
    }

    return element('a', {
        href: `https://${host}/${path}/${COMMITS[host]}/${commit}`,
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
