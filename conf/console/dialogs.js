// Copyright (C) the nginx-liveupdate authors

// The dialogs in which a person decides.  Each returns what to say when it is
// done, or null if the person thought better of it.

import { erase, Failure, get, part, post } from './api.js';
import { bytes, element, foreign, percent, show } from './dom.js';
import { appPath, nameOf, releasePath } from './release.js';


// ask({ title, nodes, verb, bad, run }): shows the nodes in a form; run() is
// called with the form when the button with the verb is pressed.  What it
// throws is shown, and the dialog stays.  Each is an element of its own: the
// event that says that one is closed may come when the next one is open.

function ask({ title, nodes, verb, bad, run }) {
    const wrong = element('p', { class: 'wrong', role: 'alert' });

    const stop = element('button', { type: 'button' }, 'Cancel');
    const go = element('button', { type: 'submit',
                                   class: bad ? 'bad' : 'strong' }, verb);

    const form = element('form', {},
        element('h2', { id: 'dialog-title' }, title),
        nodes, wrong,
        element('p', { class: 'actions' }, stop, go));

    const dialog = element('dialog', { 'aria-labelledby': 'dialog-title' },
                           form);

    document.body.append(dialog);

    return new Promise((resolve, reject) => {
        let result = null;
        let working = false;

        stop.addEventListener('click', () => {
            if (!working) {
                dialog.close();
            }
        });

        // what was sent cannot be taken back by closing the dialog

        dialog.oncancel = (event) => {
            if (working) {
                event.preventDefault();
            }
        };

        dialog.onclose = () => {
            dialog.remove();
            resolve(result);
        };

        form.addEventListener('submit', async (event) => {
            event.preventDefault();

            if (working) {
                return;
            }

            // a button that is disabled would lose the focus

            working = true;
            form.setAttribute('aria-busy', 'true');
            stop.setAttribute('aria-disabled', 'true');
            go.setAttribute('aria-disabled', 'true');
            show(wrong);

            try {
                result = await run(form);
                dialog.close();

            } catch (failure) {
                if (failure.status === 401) {
                    reject(failure);
                    dialog.close();
                    return;
                }

                show(wrong, failure.status === 0
                    ? `${failure.message} Whether it was done is not known: `
                      + 'look before you try again.'
                    : foreign(failure.message));
                go.focus();

            } finally {
                working = false;
                form.removeAttribute('aria-busy');
                stop.removeAttribute('aria-disabled');
                go.removeAttribute('aria-disabled');
            }
        });

        dialog.showModal();
    });
}


export function dialogOpen() {
    return document.querySelector('dialog[open]');
}


export function closeDialog() {
    dialogOpen()?.close();
}


// 0.07 * 100 is not 7.

function inPercent(value) {
    return String(Math.round(value * 1e6) / 1e4);
}


function percentField(value) {
    return element('div', { class: 'field' },
        element('label', { for: 'percent' }, 'Release to, in percent'),
        element('input', {
            id: 'percent', type: 'number', min: '0', max: '100', step: 'any',
            required: true, value: inPercent(value),
            'aria-describedby': 'percent-hint',
        }),
        element('p', { class: 'hint', id: 'percent-hint' },
                'Who gets it at 10 still gets it at 50. The others keep '
                + 'getting what they get now.'));
}


function percentOf(form) {
    const { valueAsNumber } = form.querySelector('#percent');

    return Math.round(valueAsNumber * 1e6) / 1e8;
}


// Without one that is chosen it is the first, or, if null is, none.

function channelField(channels, chosen) {
    return element('div', { class: 'field' },
        element('label', { for: 'channel' }, 'Channel'),
        element('select', { id: 'channel', required: true },
            chosen === null
                && element('option', { value: '' }, 'Choose one'),
            channels.map((one) => element('option', {
                value: one.name, selected: one.id === chosen,
            }, one.name))));
}


function what(release) {
    return element('p', {}, foreign(nameOf(release)),
        Number.isFinite(release.size) ? `, ${bytes(release.size)}` : '',
        release.createdBy ? [', published by ', foreign(release.createdBy)]
                          : '');
}


function pathOf(app, release, verb) {
    const path = `/releases/${part(app.id)}/${part(release.id)}`;

    return verb ? `${path}/${verb}` : path;
}


// What is decided is about what the person sees: somebody else may decide, too,
// and then this is refused.

function seen(app) {
    const asked = get(`/v1/apps/${part(app.id)}`)
        .then(({ generation }) => generation);

    // whoever cancels does not want to know

    asked.catch(() => {});

    return asked;
}


async function decide(path, generation, body) {
    const expect = await generation;

    return post(path, { ...body, expect }).catch((failure) => {
        throw failure.status !== 409 ? failure
            : new Failure(409, 'Somebody has changed this app meanwhile, or '
                          + 'decided about this release. Cancel, and look '
                          + 'again.');
    });
}


// Rules that came with a build, if they are not simply "to all".

function brings(release) {
    const info = release.releaseInfo || {};
    const rules = info.releaseRedirections || [];

    return release.kind === 'desktop' && release.state === 'staged'
           && (rules.length > 0 || (info.latestReleaseBuildId
               && info.latestReleaseBuildId !== release.id));
}


function rulesField(field) {
    const box = element('input', { id: 'rules', type: 'checkbox',
                                   checked: true,
                                   'aria-describedby': 'rules-hint' });
    const percent = field.querySelector('input');

    const look = () => {
        percent.disabled = box.checked;
    };

    box.addEventListener('change', look);
    look();

    return element('div', { class: 'field' },
        element('label', { class: 'check' }, box,
                'To whom the rules that it brings say'),
        element('p', { class: 'hint', id: 'rules-hint' },
                'They are on the page of the release. A share takes their '
                + 'place.'));
}


// -- decisions ---------------------------------------------------------------

export function approve({ app, channels }, release) {
    const desktop = release.kind === 'desktop';
    const waits = release.state === 'staged';
    const generation = seen(app);

    const field = percentField(waits && Number.isFinite(release.rollout)
                               ? release.rollout : 1);

    return ask({
        title: waits ? 'Approve this release?' : 'Release this again?',
        verb: waits ? 'Approve' : 'Release',
        nodes: [
            what(release),
            desktop ? null : channelField(channels, release.channel || null),
            brings(release) ? rulesField(field) : null,
            field,
            waits && release.pullRequest
                ? element('p', { class: 'hint' },
                    'Its pull request stays open. Merge it, too: the next '
                    + 'change of desktop-builds.json withdraws what is not '
                    + 'listed there.') : null,
        ],

        async run(form) {
            const asSaid = form.querySelector('#rules')?.checked;
            const body = {};

            if (!asSaid) {
                body.rollout = percentOf(form);
            }

            if (!desktop) {
                const { value } = form.querySelector('#channel');
                const own = channels.find((one) => one.id === release.channel);

                // its own one it goes into by itself, once

                if (!waits || !own || own.name !== value) {
                    body.channel = value;
                }
            }

            await decide(pathOf(app, release, 'promote'), generation,
                         body);

            return asSaid
                ? [foreign(nameOf(release)), ' is live, with its rules.']
                : [foreign(nameOf(release)), ' is live, to ',
                   percent(body.rollout), '.'];
        },
    });
}


export function reject({ app }, release) {
    const generation = seen(app);

    return ask({
        title: 'Reject this release?',
        verb: 'Reject',
        bad: true,
        nodes: [
            what(release),
            element('div', { class: 'field' },
                element('label', { for: 'reason' }, 'Reason'),
                element('textarea', {
                    id: 'reason', rows: '3', required: true,
                    'aria-describedby': 'reason-hint',
                }),
                element('p', { class: 'hint', id: 'reason-hint' },
                        'Whoever looks at the release reads it.')),
        ],

        async run(form) {
            const reason = form.querySelector('#reason').value.trim();

            if (reason === '') {
                throw new Error('Say why.');
            }

            await decide(pathOf(app, release, 'reject'), generation,
                         { reason });

            return [foreign(nameOf(release)), ' is rejected.'];
        },
    });
}


// A bundle is at the head of some channels and behind others in some.

export function rollout({ app, channels }, release) {
    const desktop = release.kind === 'desktop';
    const generation = seen(app);
    const shares = release.shares || [];

    const here = channels.filter((channel) => shares.some((one) =>
        one.deploymentId === channel.appDeploymentId));
    const other = channels.filter((channel) => shares.some((one) =>
        one.channelId === channel.id) && !here.includes(channel));

    const list = [...here, ...other];

    // what a channel's devices are offered at present, or an installation

    const present = (id) => {
        const one = shares.find((one) => desktop || one.channelId === id);

        return !one ? 1 : desktop ? one.share : one.rollout;
    };

    const field = percentField(present(list.length ? list[0].id : null));
    const channel = desktop ? null : channelField(list);

    if (channel) {
        const select = channel.querySelector('select');
        const behind = element('p', { class: 'hint' });

        const look = () => {
            const chosen = list.find((one) => one.name === select.value);

            field.querySelector('input').value
                = inPercent(present(chosen && chosen.id));
            show(behind, here.includes(chosen) ? ''
                 : 'A newer release is deployed there. This puts this one '
                   + 'before it.');
        };

        select.addEventListener('change', look);
        channel.append(behind);
        look();
    }

    return ask({
        title: 'Change the share',
        verb: 'Change',
        nodes: [
            what(release),
            channel,
            field,
            desktop ? element('p', { class: 'hint' },
                'At 100 it becomes the latest release, for all whom no rule '
                + 'sends elsewhere; below that a rule gives it to a part, '
                + 'and at 0 to nobody.') : null,
        ],

        async run(form) {
            const body = { rollout: percentOf(form) };

            if (!desktop) {
                body.channel = form.querySelector('#channel').value;
            }

            await decide(pathOf(app, release, 'promote'), generation,
                         body);

            return [foreign(nameOf(release)), ' is released to ',
                    percent(body.rollout), '.'];
        },
    });
}


export function withdraw({ app }, release) {
    const generation = seen(app);

    return ask({
        title: 'Withdraw this release?',
        verb: 'Withdraw',
        bad: true,
        nodes: [
            what(release),
            element('p', {}, 'Nobody is told of it any more; who asks next '
                    + 'gets what was released before it. It is not taken '
                    + 'from those who have it already, and can be released '
                    + 'again.'),
        ],

        async run() {
            await decide(pathOf(app, release, 'withdraw'), generation, {});

            return [foreign(nameOf(release)), ' is withdrawn.'];
        },
    });
}


// It has no page of its own any more.

export function remove({ app }, release) {
    return ask({
        title: 'Delete this release?',
        verb: 'Delete',
        bad: true,
        nodes: [
            what(release),
            element('p', {}, 'All its files are removed from the server, and '
                    + 'cannot be brought back. The audit log keeps what was '
                    + 'decided.'),
        ],

        async run() {
            const here = releasePath(app.id, release.id);

            await erase(pathOf(app, release));

            if (location.hash === here) {
                location.replace(appPath(app.id));
            }

            return [foreign(nameOf(release)), ' is deleted.'];
        },
    });
}


export function rollback({ app, channels }, channelId) {
    const channel = channels.find((one) => one.id === channelId);
    const generation = seen(app);

    return ask({
        title: channel ? ['Roll back ', foreign(channel.name), '?']
                       : 'Roll back the desktop app?',
        verb: 'Roll back',
        bad: true,
        nodes: [
            element('p', {}, channel
                ? 'All devices of the channel get the release that was '
                  + 'there before the present one came.'
                : 'The release that was the latest before the present one '
                  + 'becomes it again. The rules stay.'),
        ],

        async run() {
            const body = { steps: 1 };

            if (channel) {
                body.channel = channel.name;
            }

            const path = `/releases/${part(app.id)}/rollback`;

            const { id } = await decide(path, generation, body);

            return ['Rolled back to ', foreign(id), '.'];
        },
    });
}


export async function retry({ app }, release) {
    await post(pathOf(app, release, 'retry'), {});

    return [foreign(nameOf(release)), ' is fetched again.'];
}
