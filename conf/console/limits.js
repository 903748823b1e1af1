// Copyright (C) the nginx-liveupdate authors

// The dialogs for what counts for all rollouts: times in which no plan goes on,
// and versions that must update.

import { Failure, get, part, patch } from './api.js';
import { ask } from './dialogs.js';
import { element, foreign } from './dom.js';

// Most freezes that an app may have.

const FREEZES = 20;

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;


// Nobody's change is lost: what is sent replaces what the dialog began with.

async function change(app, path, body) {
    const { generation } = app;

    return patch(path, { ...body, expect: generation }).catch((failure) => {
        throw failure.status !== 409 ? failure
            : new Failure(409, 'Somebody else has changed this app meanwhile. '
                          + 'Cancel and check again.');
    });
}


function field(id, label, type, value, hint) {
    return element('div', { class: 'field' },
        element('label', { for: id }, label),
        element('input', { id, type, value, autocomplete: 'off',
                           'aria-describedby': hint && `${id}-hint` }),
        hint && element('p', { class: 'hint', id: `${id}-hint` }, hint));
}


// -- freezes -----------------------------------------------------------------

// A time as a field has it, in the zone of this computer.

function local(text) {
    const date = new Date(text);

    date.setMinutes(date.getMinutes() - date.getTimezoneOffset());

    return date.toISOString().slice(0, 16);
}


function freezeFields(freeze, i) {
    const { from, to, reason } = freeze || {};

    return element('fieldset', {},
        element('legend', {}, freeze ? `Freeze ${i + 1}` : 'Another freeze'),
        field(`from-${i}`, 'From', 'datetime-local', from && local(from)),
        field(`to-${i}`, 'To', 'datetime-local', to && local(to)),
        field(`why-${i}`, 'Reason', 'text', reason));
}


// Seconds that a field does not show stay as they were.

function timeOf(input, before) {
    return before && local(before) === input.value
           ? before : new Date(input.value).toISOString();
}


function freezeOf(form, freeze, i) {
    const [from, to, why] = ['from', 'to', 'why']
        .map((name) => form.querySelector(`#${name}-${i}`));

    const reason = why.value.trim();

    if (from.value === '' && to.value === '') {
        return [];
    }

    if (from.value === '' || to.value === '') {
        throw new Error('A freeze needs both times.');
    }

    return [{
        from: timeOf(from, freeze && freeze.from),
        to: timeOf(to, freeze && freeze.to),
        ...(reason === '' ? {} : { reason }),
    }];
}


export async function freezes({ app: { id } }) {
    const app = await get(`/v1/apps/${part(id)}`);
    const list = app.freezes || [];
    const shown = list.length < FREEZES ? [...list, null] : list;

    return ask({
        title: 'Edit the freezes',
        verb: 'Save',
        nodes: [
            element('p', {}, 'No step of a plan begins during a freeze; '
                    + 'clients keep what they have got. Times are in the '
                    + 'time zone ', foreign(ZONE), '. To remove a freeze, '
                    + 'empty its times.'),
            shown.map(freezeFields),
        ],

        async run(form) {
            const kept = shown.flatMap((one, i) => freezeOf(form, one, i));

            await change(app, `/v1/apps/${part(id)}`, { freezes: kept });

            return kept.length ? 'The freezes are saved.'
                               : 'The app has no freezes now.';
        },
    });
}


// -- minimum versions --------------------------------------------------------

const MINIMUM = [
    { name: 'buildNumber', label: 'Build number', type: 'number',
      hint: 'The server tells devices with an older bundle that the update '
            + 'is mandatory.' },
    { name: 'androidAppVersionCode', label: 'Version code of the Android app',
      hint: 'The server tells older apps that they need an update from their '
            + 'store.' },
    { name: 'iosAppVersionCode', label: 'Version code of the iOS app' },
];


export async function minimum({ app: { id } }, channelId) {
    const path = `/v1/apps/${part(id)}/channels/${part(channelId)}`;
    const [app, channel] = await Promise.all([
        get(`/v1/apps/${part(id)}`), get(path),
    ]);
    const now = channel.minimum || {};

    return ask({
        title: ['Set the minimum of ', foreign(channel.name)],
        verb: 'Save',
        nodes: [
            MINIMUM.map(({ name, label, type, hint }) =>
                field(name, label, type || 'text', now[name], hint)),
            element('p', { class: 'hint' }, 'Leave a field empty for no '
                    + 'minimum. The app decides what it does about it.'),
        ],

        async run(form) {
            const wanted = {};

            for (const { name, type } of MINIMUM) {
                const value = form.querySelector(`#${name}`).value.trim();

                if (value !== '') {
                    wanted[name] = type === 'number' ? Number(value) : value;
                }
            }

            const none = Object.keys(wanted).length === 0;

            await change(app, path, { minimum: none ? null : wanted });

            return [foreign(channel.name), none ? ' has no minimum now.'
                                                : ' has a minimum now.'];
        },
    });
}


export async function minimumVersion({ app: { id } }) {
    const app = await get(`/v1/apps/${part(id)}`);

    return ask({
        title: 'Set the minimum of the desktop app',
        verb: 'Save',
        nodes: [
            field('version', 'Minimum version', 'text', app.minimumVersion,
                  'The manifest of each newer release tells older apps that '
                  + 'they must update. Leave the field empty for no '
                  + 'minimum.'),
        ],

        async run(form) {
            const value = form.querySelector('#version').value.trim();

            await change(app, `/v1/apps/${part(id)}`,
                         { minimumVersion: value === '' ? null : value });

            return value === '' ? 'The app has no minimum now.'
                                : ['Apps older than ', foreign(value),
                                   ' must update.'];
        },
    });
}
