// Copyright (C) the nginx-liveupdate authors

// The pages about notifications: all targets, and one with its deliveries.

import { get, part, post } from './api.js';
import {
    button, code, element, foreign, none, number, table, time,
} from './dom.js';
import { may, plural, some } from './release.js';

const STATES = {
    active: 'active', failing: 'does not answer', paused: 'paused',
};


// A note for the first page; false if the token may not see the targets.

export function targetsNote(targets) {
    if (!targets || targets.length === 0) {
        return false;
    }

    const wrong = targets.filter(({ state }) => state !== 'active').length;

    return element('p', { class: 'about' },
        element('a', { href: '#/notifications' }, 'Notifications'),
        `: ${some(targets.length, 'target', 'targets')}`,
        wrong > 0 && `, of which ${some(wrong, 'gets', 'get')} none`);
}


export function targetsPage() {
    return {
        path: [{ text: 'Applications', href: '#/' },
               { text: 'Notifications' }],

        async load() {
            return { targets: await get('/v1/notifications?limit=1000') };
        },

        show({ targets }) {
            return { title: 'Notifications', nodes: [
                element('h1', { tabindex: '-1' }, 'Notifications'),
                element('p', { class: 'about' },
                    plural(targets.length, 'target', 'targets')),
                targets.length > 0 && element('section', {},
                    table('Targets',
                        ['Name', 'Format', 'Host', 'State',
                         { name: 'Delivered', class: 'number' },
                         { name: 'Refused', class: 'number' },
                         { name: 'Missed', class: 'number' }],
                        targets.map((target) => ({
                            key: target.id,
                            cells: [
                                element('a', { href: targetPath(target.id) },
                                        foreign(target.id)),
                                target.form, code(target.host),
                                STATES[target.state],
                                number(target.delivered),
                                number(target.refused),
                                number(target.missed),
                            ],
                        })))),
            ] };
        },
    };
}


export function targetPage(id) {
    return {
        path: [{ text: 'Applications', href: '#/' },
               { text: 'Notifications', href: '#/notifications' },
               { text: id }],

        async load() {
            return { target: await get(`/v1/notifications/${part(id)}`) };
        },

        show({ target }) {
            return {
                title: target.id,
                target,
                nodes: [
                    element('h1', { tabindex: '-1' }, foreign(target.id)),
                    element('p', { class: 'about' },
                        `${target.form}, `, code(target.host), ', ',
                        STATES[target.state]),
                    target.error && element('p', { class: 'wrong' },
                                            foreign(target.error)),
                    target.nextAttemptAt && element('p', {},
                        'The next attempt is due at ',
                        time(target.nextAttemptAt), '.'),
                    may('approve') && element('p', { class: 'actions' },
                        button('test', 'Send a test'),
                        target.state === 'paused'
                            ? button('resume', 'Resume')
                            : button('pause', 'Pause')),
                    element('section', { 'data-key': 'deliveries' },
                        deliveries(target)),
                ],
            };
        },
    };
}


function deliveries(target) {
    return table('Deliveries',
        ['When', 'Event', 'Application', 'State',
         { name: 'Attempts', class: 'number' }, 'Once more'],
        target.deliveries.map((one, i) => ({
            key: `${one.id}/${one.endedAt}/${i}`,
            cells: [
                time(one.endedAt), code(one.type),
                one.app === undefined ? none() : code(one.app),
                one.state, number(one.attempts),
                target.again.includes(one.id) ? 'waiting'
                    : may('approve') ? button('again', 'Send again', one.id,
                                        { 'data-id': one.id })
                    : none(),
            ],
        })));
}


// Asks for something to be done, and returns a sentence.

export async function ask({ target }, what, body = {}) {
    await post(`/v1/notifications/${part(target.id)}/${what}`, body);

    return {
        test: 'The test is on its way.',
        again: 'The notification will be sent again.',
        pause: 'The target will be paused.',
        resume: 'The target will be resumed.',
    }[what];
}


function targetPath(id) {
    return `#/notifications/${part(id)}`;
}
