// Copyright (C) the nginx-liveupdate authors

// The pages: what each requests from the API, and what it shows.
//
// A page is { path, load, show }: path has its breadcrumbs, load() requests the
// data, and show(data) turns that into { title, nodes }.

import { get, getAll, getAllIfAny, getIfAny, part } from './api.js';
import { namesOf, timeline } from './audit.js';
import {
    button, bytes, code, copied, element, foreign, none, number, percent, share,
    spoken, table, time,
} from './dom.js';
import { health } from './health.js';
import { history } from './history.js';
import { adoption, channelsNow, desktopNow } from './live.js';
import {
    KINDS, actionsOf, appPath, by, groupOf, may, nameOf, plural,
    place, progress, releasePath, shares, state,
} from './release.js';
import { commitOf, review, reviewOf } from './review.js';
import { targetsNote } from './targets.js';

// For how many applications the first page counts the waiting releases.

const LOOKED_AT = 100;
const AT_ONCE = 4;

// Channels with a guard, of which it shows what has become of devices, and how
// long that is good for, in milliseconds.

const GUARDED = 8;
const COUNTED = 10000;

const FILES = 500;
const LINES = 100;

// Releases of which the audit log has the names, not just the ids.

const NAMED = 500;

const TYPES = { capacitor: 'mobile', electron: 'desktop' };

const GROUPS = [
    { id: 'staged', title: 'Waiting for approval' },
    { id: 'busy', title: 'In progress' },
    { id: 'live', title: 'Live' },
    { id: 'replaced', title: 'Replaced' },
    { id: 'withdrawn', title: 'Withdrawn' },
    { id: 'rejected', title: 'Rejected' },
    { id: 'failed', title: 'Failed' },
];

const DECISIONS = {
    'bundle.ready': 'released',
    'release.promote': 'approved',
    'release.reject': 'rejected',
    'release.rollback': 'rolled back to',
    'release.rollout': 'rollout changed',
    'release.halt': 'rollout halted',
    'release.resume': 'rollout resumed',
    'release.pause': 'plan paused',
    'release.advance': 'plan advanced',
    'release.stop': 'plan stopped',
    'deployment.halt': 'rollout halted',
    'deployment.resume': 'rollout resumed',
    'deployment.pause': 'plan paused',
    'deployment.advance': 'plan advanced',
    'deployment.stop': 'plan stopped',
    'release.withdraw': 'withdrawn',
};


// -- all applications --------------------------------------------------------

export function appsPage() {
    return {
        path: [{ text: 'Applications' }],
        pause: 15000,

        async load() {
            const [apps, targets] = await Promise.all([
                getAll('/v1/apps'),
                getIfAny('/v1/notifications?limit=1000'),
            ]);
            const waiting = {};
            const queue = apps.slice(0, LOOKED_AT);

            await Promise.all(Array.from({ length: AT_ONCE }, async () => {
                for (let app = queue.shift(); app; app = queue.shift()) {
                    const list = await getAllIfAny(
                        `/releases/${part(app.id)}?state=staged`);

                    waiting[app.id] = list ? list.length : null;
                }
            }));

            return { apps, targets, waiting };
        },

        show({ apps, targets, waiting }) {
            const sum = Object.values(waiting).reduce((a, b) => a + b, 0);

            return { title: 'Applications', waiting: sum, nodes: [
                element('h1', { tabindex: '-1' }, 'Applications'),
                element('p', { class: 'about' },
                    apps.length === 0
                        ? 'This token has access to no application.'
                        : plural(sum, 'release is waiting',
                                 'releases are waiting')
                          + ' for approval'
                          + (apps.length > LOOKED_AT
                             ? ` in the first ${LOOKED_AT} applications; the `
                               + 'others were not checked.' : '.')),
                apps.length > 0 && element('section', {},
                    table('Applications',
                        ['Name', 'Id', 'Type',
                         { name: 'Waiting', class: 'number' }],
                        apps.map((app) => ({ key: app.id, cells: [
                            [element('a', { href: appPath(app.id) },
                                     foreign(app.name)),
                             twins(apps, app) && element('small', {},
                                 'another application has this name, too')],
                            copied(app.id),
                            TYPES[app.type] || foreign(app.type || ''),
                            Number.isFinite(waiting[app.id])
                                ? number(waiting[app.id]) : none(),
                        ] })))),
                targetsNote(targets),
            ] };
        },
    };
}


// People tell applications of one name apart by their ids.

function twins(apps, { id, name }) {
    return apps.some((one) => one.name === name && one.id !== id);
}


// -- an application ----------------------------------------------------------

export function appPage(id) {
    const known = { generation: null, audit: [], healths: [], counted: 0 };
    const base = `/releases/${part(id)}`;

    return {
        path: [{ text: 'Applications', href: '#/' }, { text: id }],

        async load() {
            const [app, releases, channels, rules] = await Promise.all([
                get(`/v1/apps/${part(id)}`),
                getAll(base),
                get(`/v1/apps/${part(id)}/channels?limit=1000`),
                get(`${base}/rules`),
            ]);

            if (known.generation !== app.generation) {
                known.audit = await getIfAny(`${base}/audit?limit=1000`) || [];
                known.generation = app.generation;
            }

            if (Date.now() - known.counted > COUNTED) {
                known.healths = await healthsOf(app, channels, rules);
                known.counted = Date.now();

                if (known.history !== null) {
                    known.history = await getIfAny(
                        `/v1/apps/${part(id)}/history`);
                }
            }

            // what this server does not have is requested only once

            if (known.status !== null) {
                known.status = await adopted(id);
            }

            if (known.github !== null) {
                known.github = await getIfAny(`${base}/github`);
            }

            for (const release of releases) {
                if (release.state === 'fetching') {
                    const whole = await getIfAny(
                        `${base}/${part(release.id)}`);

                    release.progress = whole && whole.progress;
                }
            }

            return { app, releases, channels, rules, audit: known.audit,
                     healths: known.healths, history: known.history,
                     status: known.status, github: known.github,
                     latest: await latestOf(base, rules, releases) };
        },

        show(data) {
            const { app, releases } = data;
            const byId = new Map(releases.map((one) => [one.id, one]));
            const waiting = releases.filter((one) => one.state === 'staged');
            const decided = decisions(data.audit);

            const desktop = releases.some((one) => one.kind === 'desktop')
                            || app.type === 'electron';
            const mobile = app.type !== 'electron'
                           || releases.some((one) => one.kind !== 'desktop');

            return {
                title: app.name,
                crumb: app.name,
                waiting: waiting.length,
                releases: byId,
                latest: data.latest,
                app,
                channels: data.channels,
                rules: data.rules,
                busy: releases.some((one) => groupOf(one) === 'busy'),
                nodes: [
                    element('h1', { tabindex: '-1' }, foreign(app.name)),
                    element('p', { class: 'about' }, copied(app.id), ' · ',
                        element('a', { href: `${appPath(id)}/audit` },
                                'Audit log'), ' · ',
                        element('a', { href: `${appPath(id)}/cleanup` },
                                'Cleaning up')),
                    !may('approve') && element('p', { class: 'about' },
                        'This token may view releases, but not decide about '
                        + 'them.'),
                    github(data.github),
                    group(data, 'staged', decided),
                    group(data, 'busy', decided),
                    mobile && channelsNow(data, byId),
                    desktop && desktopNow(data, byId),
                    health(data, byId),
                    GROUPS.slice(2).map(({ id }) => group(data, id, decided)),
                    adoption(data, byId),
                    history(data, byId),
                ],
            };
        },
    };
}


// What the dialogs compare a desktop release with; null: there is none.

async function latestOf(base, rules, releases) {
    const id = rules && rules.latestReleaseBuildId;

    return !id ? null : releases.find((one) => one.id === id)
                        || getIfAny(`${base}/${part(id)}`);
}


// What has become of devices, in channels that have a guard, and of
// installations in rollouts of a desktop app that has one.

async function healthsOf(app, channels, rules) {
    const guarded = channels.filter((one) => one.appDeploymentId
        && (one.guard || (app.guard && one.guard !== false)))
        .map((one) => `/v1/apps/${part(app.id)}/channels/${part(one.id)}`);

    const rollouts = (app.guard && rules.releaseRedirections || [])
        .filter((one) => one.rule === 'buildByRollout')
        .map((one) => `/releases/${part(app.id)}/${part(one.buildId)}`);

    const found = await Promise.all(
        [...new Set([...guarded, ...rollouts.reverse()])].slice(0, GUARDED)
            .map((path) => getIfAny(`${path}/health`)));

    return found.filter((one) => one !== null);
}


// These numbers are optional: without them the page shows everything else.

async function adopted(id) {
    try {
        return await get(`/console/status?format=json&app=${part(id)}`);

    } catch (failure) {
        if (failure.status === 0) {
            throw failure;
        }

        return null;
    }
}


// Only errors: what was decided on GitHub is in the audit log.

function github(state) {
    if (!state || !state.error) {
        return null;
    }

    const errors = (state.errors || []).map((one) => one.error)
        .filter((text) => text !== state.error);

    return element('section', { 'data-key': 'github' },
               element('h2', {}, 'GitHub'),
               [ state.error, ...errors ].map((text) =>
                   element('p', { class: 'wrong' }, foreign(text))),
               element('p', { class: 'quiet' },
                       state.errors ? 'Everything else was followed. Commit '
                           : 'Nothing was changed. Commit ',
                       code(state.commit || '?'), ', ', time(state.at)));
}


// The newest decision about each release.

function decisions(audit) {
    const found = new Map();

    for (const line of audit) {
        if (line.change in DECISIONS && !found.has(line.subject)) {
            found.set(line.subject, line);
        }
    }

    return found;
}


function group({ app, releases }, id, decided) {
    const { title } = GROUPS.find((one) => one.id === id);
    const list = releases.filter((one) => groupOf(one) === id)
        .sort((a, b) => newest(a) < newest(b) ? 1 : -1);

    if (list.length === 0) {
        return id !== 'staged' ? null
            : element('section', { 'data-key': id },
                  element('h2', {}, title),
                  element('p', { class: 'quiet' }, 'Nothing is waiting.'));
    }

    const columns = ['Release', 'Size and SHA-256'];

    const reason = list.some((one) => one.reason);
    const after = ['live', 'replaced', 'withdrawn', 'rejected'].includes(id);
    const actions = list.some((one) => actionsOf(one).length);

    columns.push(after ? 'Published, decided' : 'Published');

    if (id === 'live') {
        columns.push('Who gets it');
    }

    if (id === 'busy') {
        columns.push('Progress');
    }

    if (reason) {
        columns.push({ name: 'Reason', class: 'long' });
    }

    if (actions) {
        columns.push('Actions');
    }

    return element('section', { 'data-key': id },
        element('h2', {}, `${title} (${list.length})`),
        table(title, columns, list.map((one) => ({ key: one.id, cells: [
            [element('a', { href: releasePath(app.id, one.id) },
                     foreign(nameOf(one))),
             element('small', {}, KINDS[one.kind] || foreign(one.kind)),
             copied(one.id),
             id === 'staged' && one.pullRequest
                 && element('small', {}, pullRequest(one))],
            [bytes(one.size), digest(app, one)],
            [by(one.createdBy, one.createdAt),
             after ? decision(decided.get(one.id)) : null],
            id === 'live' ? shares(one) : undefined,
            id === 'busy' ? progress(one) : undefined,
            reason ? one.reason ? foreign(one.reason) : none() : undefined,
            actions ? element('p', { class: 'actions' }, actionsOf(one))
                    : undefined,
        ].filter((cell) => cell !== undefined) }))));
}


function newest(release) {
    return release.createdAt || '';
}


function digest(app, release) {
    if (release.checksum) {
        return copied(release.checksum);
    }

    return element('small', {},
        element('a', { href: releasePath(app.id, release.id) },
                'SHA-256 of each file', spoken([' of ', nameOf(release)])));
}


function decision(line) {
    if (!line) {
        return null;
    }

    return element('div', { class: 'decided' }, `${DECISIONS[line.change]} by `,
                   foreign(line.by), element('small', {}, time(line.at)));
}


// -- a release ---------------------------------------------------------------

export function releasePage(id, releaseId) {
    const known = { files: FILES };
    const base = `/releases/${part(id)}`;

    return {
        path: [{ text: 'Applications', href: '#/' },
               { text: id, href: appPath(id) }, { text: releaseId }],

        more() {
            known.files = Infinity;
        },

        async load() {
            const [app, release, channels, history] = await Promise.all([
                get(`/v1/apps/${part(id)}`),
                get(`${base}/${part(releaseId)}`),
                get(`/v1/apps/${part(id)}/channels?limit=1000`),
                getIfAny(`${base}/audit?subject=${part(releaseId)}`),
            ]);

            const rules = release.kind === 'desktop'
                ? await getIfAny(`${base}/rules`) : null;

            const latest = await latestOf(base, rules, [release]);

            return { app, release, channels, history: history || [], latest,
                     found: await reviewOf(base, app, release, latest,
                                           known) };
        },

        show({ app, release, channels, history, latest, found }) {
            const actions = actionsOf(release);
            const files = release.files || [];

            return {
                title: `${nameOf(release)} · ${app.name}`,
                crumb: nameOf(release),
                parent: app.name,
                releases: new Map([[release.id, release]]),
                latest,
                app,
                channels,
                busy: groupOf(release) === 'busy',
                nodes: [
                    element('h1', { tabindex: '-1' },
                            foreign(nameOf(release))),
                    element('p', { class: 'about' }, state(release), ' ',
                            foreign(app.name)),
                    release.reason && element('p', { class: 'wrong' },
                            foreign(release.reason)),
                    groupOf(release) === 'busy'
                        && element('section', { 'data-key': 'progress' },
                               element('h2', {}, 'Progress'),
                               progress(release)),
                    actions.length > 0
                        && element('section', { 'data-key': 'actions' },
                               element('h2', {}, 'Actions'),
                               element('p', { class: 'actions' }, actions)),
                    (release.shares || []).length > 0
                        && element('section', { 'data-key': 'shares' },
                               element('h2', {}, 'Who gets it'),
                               givenTo(release)),
                    review(app, release, found),
                    element('section', { 'data-key': 'facts' },
                        element('h2', {}, 'Facts'), facts(release)),
                    files.length > 0
                        && element('section', { 'data-key': 'files' },
                               element('h2', {}, `Files (${files.length})`),
                               fileTable(files.slice(0, known.files)),
                               files.length > known.files
                                   && element('p', { class: 'actions' },
                                          button('more', 'Show all files'))),
                    release.leftOutCount > 0
                        && element('section', { 'data-key': 'left' },
                               element('h2', {}, 'Left out '
                                       + `(${release.leftOutCount})`),
                               leftOutTable(release)),
                    element('section', { 'data-key': 'history' },
                        element('h2', {}, 'History'),
                        history.length
                            ? timeline(app, history, namesOf([release]))
                            : element('p', { class: 'quiet' },
                                  'Nothing was decided about it yet.')),
                ],
            };
        },
    };
}


function givenTo(release) {
    return table('Who gets it', ['Where', 'Share', 'Since'],
        release.shares.map((one) => ({
            key: one.channelId || one.manifest || one.platform,
            cells: [
                one.platform === undefined
                    ? [foreign(one.channel), element('small', {}, 'channel')]
                    : place(one),
                share(one.share),
                one.createdAt ? by(one.createdBy, one.createdAt) : none(),
            ],
        })));
}


function fileTable(files) {
    return table('Files', [
        'Name', { name: 'Size', class: 'number' },
        { name: 'SHA-256', class: 'digest' },
    ], files.map((file) => ({ key: file.href, cells: [
        foreign(file.href), bytes(file.size), copied(file.sha256),
    ] })));
}


// Files that were uploaded with a desktop release and are not part of it.

function leftOutTable(release) {
    return table('Left out', ['Name', { name: 'Reason', class: 'long' }],
        (release.leftOut || []).map((file) => ({
            key: file.name,
            cells: [foreign(file.name), foreign(file.reason)],
        })));
}


// What updaters obey: the oldest system that a manifest allows, and its share.

function demands(condition) {
    const { minimumSystemVersion, stagingPercentage } = condition;

    return foreign([
        minimumSystemVersion && `system ${minimumSystemVersion} or newer`,
        Number.isFinite(stagingPercentage)
            && `update for ${stagingPercentage} %`,
    ].filter(Boolean).join(', '));
}


function facts(release) {
    const info = release.releaseInfo || {};

    const list = [
        ['Id', copied(release.id)],
        ['Kind', KINDS[release.kind] || foreign(release.kind)],
        ['Version', text(release.version || release.appVersion)],
        ['Build number', release.number && number(release.number)],
        ['Size', Number.isFinite(release.size) && bytes(release.size)],
        ['SHA-256', release.checksum && copied(release.checksum)],
        ['Signature', release.signature ? copied(release.signature)
            : release.kind === 'zip' && 'not signed'],
        ['Published by', text(release.createdBy)],
        ['Published', release.createdAt && time(release.createdAt)],
        ['Last change', release.updatedAt && time(release.updatedAt)],
        ...(release.conditions || []).map((one) => [
            `Condition in ${one.manifest}`, demands(one),
        ]),
        ['Planned rollout', release.state === 'staged'
            && Number.isFinite(release.rollout) && percent(release.rollout)],
        ['Electron', text(release.electron)],
        ['Branch', text(release.branch)],
        ['Commit', commitOf(release)],
        ['Commit message', text(release.commitMessage)],
        ['Repository', text(release.remote)],
        ['Build started', release.buildStartedAt
            && time(release.buildStartedAt)],
        ['Build ended', release.buildEndedAt && time(release.buildEndedAt)],
        ['Pull request', pullRequest(release)],
        ['Git reference', text(release.gitRef)],
        ['Git commit', release.gitCommitSha && copied(release.gitCommitSha)],
        ['Git branch or tag', text(release.gitCommitRef)],
        ['Git message', text(release.gitCommitMessage)],
        ['Stored at', text(release.url)],
        ['Rules of the build', info.releaseRedirections
            && info.releaseRedirections.length
            && code(JSON.stringify(info.releaseRedirections))],
    ];

    for (const [key, value] of Object.entries(release)) {
        if (/^(min|max|eq)(Android|Ios)/.test(key) && value !== null) {
            list.push([limitName(key), text(value)]);
        }
    }

    for (const [key, value] of
         Object.entries(release.customProperties || {}))
    {
        list.push([foreign(key), text(value)]);
    }

    return element('dl', {}, list.filter(([, value]) => value)
        .map(([name, value]) => [element('dt', {}, name),
                                 element('dd', {}, value)]));
}


// "minAndroidAppVersionCode": for which versions of the app a bundle is.

function limitName(key) {
    const [, which, platform] = /^(min|max|eq)(Android|Ios)/.exec(key);
    const words = { min: 'at least', max: 'at most', eq: 'exactly' };

    return `${platform === 'Ios' ? 'iOS' : platform} app version, `
           + words[which];
}


function pullRequest(release) {
    const { url, number } = release.pullRequest || {};

    if (!/^https:/.test(url)) {
        return text(url);
    }

    return element('a', { href: url, rel: 'noreferrer' },
                   `#${number} on GitHub`);
}


function text(value) {
    return typeof value === 'string' || typeof value === 'number'
           ? foreign(value) : null;
}


// -- the audit log -----------------------------------------------------------

export function auditPage(id) {
    const known = { lines: LINES };

    return {
        path: [{ text: 'Applications', href: '#/' },
               { text: id, href: appPath(id) }, { text: 'Audit log' }],

        more() {
            known.lines = Math.min(1000, known.lines * 2);
        },

        async load() {
            const [app, lines, releases] = await Promise.all([
                get(`/v1/apps/${part(id)}`),
                get(`/releases/${part(id)}/audit?limit=${known.lines}`),
                get(`/releases/${part(id)}?limit=${NAMED}`),
            ]);

            return { app, lines, releases };
        },

        show({ app, lines, releases }) {
            return {
                title: `Audit log · ${app.name}`,
                parent: app.name,
                app,
                nodes: [
                    element('h1', { tabindex: '-1' }, 'Audit log'),
                    element('p', { class: 'about' }, foreign(app.name),
                            ', newest first'),
                    element('section', { 'data-key': 'audit' },
                        timeline(app, lines, namesOf(releases)),
                        lines.length === known.lines && lines.length < 1000
                            && element('p', { class: 'actions after' },
                                   button('more', 'Show older entries'))),
                ],
            };
        },
    };
}
