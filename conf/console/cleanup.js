// Copyright (C) the nginx-liveupdate authors

// The page about cleaning up an application: what the policy lets go and why,
// what the application takes on the disk, and the dialogs that clean up and
// change the policy.

import { get, part, patch, post } from './api.js';
import { ask } from './dialogs.js';
import {
    button, bytes, code, copied, element, foreign, none, number, show, table,
    time,
} from './dom.js';
import {
    appPath, may, nameOf, plural, releasePath, some,
} from './release.js';

const SHOWN = 100;

export const GOES = {
    old: 'neither new nor needed',
    withdrawn: 'in no channel',
    expired: 'only in expired channels',
    abandoned: 'never uploaded completely',
    failed: 'failed',
    rejected: 'rejected',
};

const STAYS = {
    live: 'clients get them',
    rule: 'a rule names them',
    listed: 'listed on GitHub',
    rollback: 'a rollback may come to them',
    blockmap: 'installations update by their blockmaps',
    job: 'a job works on them',
    waiting: 'wait for approval',
    uploading: 'are being uploaded',
    newest: 'among the newest',
    recent: 'recent',
    policy: 'the policy is not about them',
    unreadable: 'cannot be read',
};


export function cleanupPage(id) {
    return {
        path: [{ text: 'Applications', href: '#/' },
               { text: id, href: appPath(id) }, { text: 'Cleaning up' }],
        pause: 15000,

        async load() {
            const [app, cleanup] = await Promise.all([
                get(`/v1/apps/${part(id)}`),
                get(`${pathOf(id)}?limit=${SHOWN}`),
            ]);

            return { app, cleanup };
        },

        show({ app, cleanup }) {
            const { goes, channels } = cleanup;

            return {
                title: `Cleaning up · ${app.name}`,
                parent: app.name,
                app,
                cleanup,
                nodes: [
                    element('h1', { tabindex: '-1' }, 'Cleaning up'),
                    element('p', { class: 'about' }, foreign(app.name)),
                    element('section', { 'data-key': 'policy' },
                        element('h2', {}, 'Policy'),
                        policy(cleanup),
                        may('admin') && element('p', { class: 'actions after' },
                            button('policy', 'Change…'))),
                    element('section', { 'data-key': 'goes' },
                        element('h2', {}, `What goes (${number(goes.count)})`),
                        element('p', { class: goes.count ? null : 'quiet' },
                                effect(cleanup)),
                        goes.count > 0 && goesTable(app, cleanup),
                        goes.count > SHOWN && element('p', { class: 'quiet' },
                            `These are the first ${SHOWN}.`),
                        channels.length > 0 && element('p', {},
                            'Expired channels go, too: ',
                            channels.map((name, i) => [i ? ', ' : '',
                                                       foreign(name)]), '.'),
                        may('approve') && (goes.count > 0
                                           || channels.length > 0)
                            && element('p', { class: 'actions after' },
                                   button('cleanup', 'Clean up…', null,
                                          { class: 'bad' }))),
                    staysTable(cleanup),
                ],
            };
        },
    };
}


function pathOf(app) {
    return `/releases/${part(app)}/cleanup`;
}


function policy({ keep, own, bytes: taken, quota, ownQuota }) {
    return element('dl', {},
        element('dt', {}, 'Policy'),
        element('dd', {}, code(keep), setFor(own),
                keep === 'off' ? ': no release goes' : ''),
        element('dt', {}, 'On the disk'),
        element('dd', {}, bytes(taken)),
        element('dt', {}, 'Quota'),
        element('dd', {}, quota === null ? 'none' : bytes(quota),
                setFor(ownQuota),
                quota !== null && taken > quota
                    && element('span', { class: 'wrong' },
                               ': the server refuses uploads')));
}


function setFor(own) {
    return own ? ', set for the application' : ', set for the server';
}


function effect({ goes }) {
    if (goes.count === 0) {
        return 'The policy lets no release go.';
    }

    const free = `${goes.complete ? '' : 'more than '}${bytes(goes.bytes)}`;

    return `The policy lets ${some(goes.count, 'release', 'releases')} go, `
           + `which frees ${free}.`;
}


// The size of a release is that of the bytes that no other one has.

function goesTable(app, { releases }) {
    return table('What goes',
        ['Release', 'Why', 'Published',
         { name: 'Bytes of its own', class: 'number' }],
        releases.map((one) => ({ key: one.id, cells: [
            [element('a', { href: releasePath(app.id, one.id) },
                     foreign(nameOf(one))),
             copied(one.id)],
            GOES[one.why] || foreign(one.why),
            one.createdAt ? time(one.createdAt) : none(),
            bytes(one.bytes),
        ] })));
}


function staysTable({ stays }) {
    const all = Object.entries(stays);
    const sum = all.reduce((n, [, count]) => n + count, 0);

    return element('section', { 'data-key': 'stays' },
        element('h2', {}, `What stays (${number(sum)})`),
        table('What stays',
            ['Why', { name: 'Releases', class: 'number' }],
            all.map(([why, count]) => ({ key: why, cells: [
                STAYS[why] || foreign(why), number(count),
            ] })), true));
}


// A call removes a part: the next one goes on.

export function cleanUp({ app, cleanup }) {
    return ask({
        title: 'Clean up this application?',
        verb: 'Clean up',
        bad: true,
        nodes: [
            element('p', {}, foreign(app.name), '. ', effect(cleanup)),
            element('p', {}, 'The files are removed from the server and cannot '
                    + 'be brought back. The server looks again before it '
                    + 'removes a release: what is needed by then stays.'),
        ],

        async run() {
            let removed = 0;

            for ( ; ; ) {
                const done = await post(pathOf(app.id), {});

                removed += done.removed;

                if (done.left === 0 || done.removed === 0) {
                    return `${plural(removed, 'release was', 'releases were')} `
                           + 'removed.';
                }
            }
        },
    });
}


export function changePolicy({ app, cleanup }) {
    const before = {
        keep: cleanup.own ? cleanup.keep : '',
        quota: cleanup.ownQuota ? String((cleanup.quota || 0) / 1e6) : '',
    };

    const keep = element('input', {
        id: 'keep', type: 'text', value: before.keep, autocomplete: 'off',
        spellcheck: 'false', 'aria-describedby': 'keep-hint keep-effect',
    });
    const quota = element('input', {
        id: 'quota', type: 'number', min: '0', step: 'any',
        value: before.quota, 'aria-describedby': 'quota-hint',
    });
    const would = element('p', { id: 'keep-effect', role: 'status' });

    let asked = 0;

    keep.addEventListener('change', async () => {
        const mine = ++asked;
        const text = await wouldGo(app, keep.value.trim());

        if (mine === asked) {
            show(would, text);
        }
    });

    return ask({
        title: 'Change policy and quota',
        verb: 'Save',
        nodes: [
            element('div', { class: 'field' },
                element('label', { for: 'keep' }, 'Policy'), keep,
                element('p', { class: 'hint', id: 'keep-hint' },
                        'Such as “releases=20 time=90d”, or “off”. '
                        + 'Leave it empty for the policy of the server.'),
                would),
            element('div', { class: 'field' },
                element('label', { for: 'quota' }, 'Quota, in MB'), quota,
                element('p', { class: 'hint', id: 'quota-hint' },
                        '0 is no quota. Leave it empty for the quota of the '
                        + 'server.')),
        ],

        async run() {
            const body = {};
            const text = keep.value.trim();

            if (text !== before.keep) {
                body.keep = text === '' ? null : text;
            }

            if (quota.value !== before.quota) {
                body.quota = quota.value === ''
                    ? null : Math.round(quota.valueAsNumber * 1e6);
            }

            await patch(pathOf(app.id), body);

            return 'Policy and quota are saved.';
        },
    });
}


// What a policy would do, before it is one.

async function wouldGo(app, keep) {
    if (keep === '') {
        return '';
    }

    try {
        return effect(await get(
            `${pathOf(app.id)}?limit=1&keep=${part(keep)}`));

    } catch (failure) {
        return element('span', { class: 'wrong' }, foreign(failure.message));
    }
}
