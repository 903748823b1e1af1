// Copyright (C) the nginx-liveupdate authors

// Releases, as shown on all pages.

import { part } from './api.js';
import {
    button, bytes, element, foreign, none, number, percent, time,
} from './dom.js';

const BUSY = ['fetching', 'verifying', 'uploading'];

export const PLATFORMS = {
    windows: 'Windows', mac: 'macOS', linux: 'Linux',
};

const STATES = {
    staged: 'waiting for approval',
};

export const KINDS = {
    desktop: 'desktop app', zip: 'web bundle, zip',
    manifest: 'web bundle, files',
};


// Name and roles of the token.

export const user = { name: '', roles: [] };


export function may(role) {
    return user.roles.includes(role);
}


export function appPath(app) {
    return `#/apps/${part(app)}`;
}


export function releasePath(app, release) {
    return `${appPath(app)}/releases/${part(release)}`;
}


export function nameOf(release) {
    if (release.kind === 'desktop') {
        return release.version || release.appVersion || release.id;
    }

    return release.number ? `Build ${release.number}` : release.id;
}


// Below, equal to or above 0, as electron-updater compares versions.

export function compareVersions(one, two) {
    const [a, b] = [one, two].map((version) => {
        const [numbers, ...pre] = String(version).replace(/^v/, '')
            .replace(/\+.*/, '').split('-');

        return { numbers: numbers.split('.').map(Number),
                 pre: pre.length ? pre.join('-').split('.') : [] };
    });

    for (let i = 0; i < 3; i++) {
        const d = (a.numbers[i] || 0) - (b.numbers[i] || 0);

        if (d) {
            return d;
        }
    }

    // a version is above its prereleases

    if (!a.pre.length || !b.pre.length) {
        return b.pre.length - a.pre.length;
    }

    for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
        const [x, y] = [a.pre[i], b.pre[i]];

        if (x === y) {
            continue;
        }

        if (x === undefined || y === undefined) {
            return x === undefined ? -1 : 1;
        }

        const [m, n] = [x, y].map((part) => /^\d+$/.test(part));

        return m && n ? x - y : m !== n ? (m ? -1 : 1) : x < y ? -1 : 1;
    }

    return 0;
}


// "replaced" is a live release that no rule and no channel leads to.

export function groupOf(release) {
    if (BUSY.includes(release.state)) {
        return 'busy';
    }

    if (release.state === 'live' && !(release.shares || []).length) {
        return 'replaced';
    }

    return release.state;
}


// A link to the release, if there is one.

export function linked(app, release) {
    return release ? element('a', { href: releasePath(app.id, release.id) },
                             foreign(nameOf(release)))
                   : none();
}


export function by(name, at) {
    return [name ? foreign(name) : none(), element('small', {}, time(at))];
}


export function state(release) {
    return element('span', { class: `state state-${release.state}` },
                   STATES[release.state] || release.state);
}


export function shares(release) {
    return (release.shares || []).map((one) => element('div', {},
        one.platform === undefined ? foreign(one.channel) : place(one),
        ' ', percent(one.share)));
}


// For whom a desktop release is: the platform, and what else there is.

export function place(one) {
    const more = [one.channel, one.arch]
        .filter((word) => word !== undefined && word !== 'latest');

    return [PLATFORMS[one.platform] || foreign(one.platform),
            more.map((word) => [' ', foreign(word)])];
}


export function placeName(one) {
    return [PLATFORMS[one.platform] || one.platform, one.channel, one.arch]
        .filter((word) => word !== undefined && word !== 'latest').join(' ');
}


// The buttons for what the token may do with a release.

export function actionsOf(release) {
    const name = nameOf(release);
    const made = [];
    const data = { 'data-release': release.id };

    if (release.state === 'staged' && may('approve')) {
        made.push(button('approve', 'Approve…', name,
                         { ...data, class: 'strong' }),
                  button('reject', 'Reject…', name,
                         { ...data, class: 'bad' }));
    }

    if (release.state === 'staged' && may('approve')) {
        made.push(button('link', 'Links for testers…', name, data));
    }

    if (release.state === 'live' && may('approve')) {
        made.push(groupOf(release) === 'replaced'
                      ? button('approve', 'Release again…', name, data)
                      : button('rollout', 'Change rollout…', name, data),
                  button('growth', 'Halt, pause…', name, data),
                  button('withdraw', 'Withdraw…', name,
                         { ...data, class: 'bad' }));
    }

    if (release.state === 'withdrawn' && may('approve')) {
        made.push(button('approve', 'Release again…', name, data));
    }

    // a staged release may have given up on its pull request

    if (release.kind === 'desktop' && may('publish')
        && (release.state === 'failed'
            || (release.state === 'staged' && release.reason)))
    {
        made.push(button('retry', 'Try again', name, data));
    }

    if (['withdrawn', 'rejected', 'failed'].includes(release.state)
        && may('approve'))
    {
        made.push(button('remove', 'Delete…', name,
                         { ...data, class: 'bad' }));
    }

    return made;
}


// The progress of a fetch.

export function progress(release) {
    const now = release.progress;
    const trouble = release.state === 'fetching' && release.reason
        && element('small', {}, plural(release.attempts || 0, 'attempt',
                                       'attempts'),
                   release.nextAttemptAt ? ', the next one at ' : '',
                   release.nextAttemptAt ? time(release.nextAttemptAt) : '');

    if (!now) {
        return [state(release), trouble];
    }

    const done = now.bytes ? now.bytesDone / now.bytes : 0;
    const text = `${number(now.filesDone)} of ${number(now.files)} files, `
                 + `${bytes(now.bytesDone)} of ${bytes(now.bytes)}`;

    return [
        element('div', { class: 'fetching' },
            element('progress', {
                max: '1', value: String(Math.min(1, done)),
                'aria-label': `Fetching ${nameOf(release)}`,
            }),
            percent(Math.floor(done * 100) / 100)),
        element('small', { class: 'fetched' }, text,
            now.bytesPerSecond ? `, ${bytes(now.bytesPerSecond)}/s` : ''),
        trouble,
    ];
}


// At the start of a sentence, and inside of one.

export function plural(n, one, many) {
    const text = some(n, one, many);

    return text[0].toUpperCase() + text.slice(1);
}


export function some(n, one, many) {
    return n === 1 ? `one ${one}` : `${n === 0 ? 'no' : number(n)} ${many}`;
}
