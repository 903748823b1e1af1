// Copyright (C) the nginx-liveupdate authors

// The dialogs in which a person decides.  Each returns the message to show when
// the decision is made, or null if the person cancelled.

import { erase, Failure, get, getIfAny, part, post } from './api.js';
import { bytes, code, element, foreign, percent, show, time } from './dom.js';
import {
    PLATFORMS, appPath, compareVersions, nameOf, plural, releasePath,
} from './release.js';
import { effectTable, linksTo, warnings, whole } from './review.js';


// ask({ title, nodes, verb, bad, run }): shows the nodes in a form and calls
// run() with the form when the button with the verb is pressed.  If run()
// throws, the dialog shows the error and stays open.  Each dialog is a new
// element, since the "close" event of one may arrive when the next one is open.

export function ask({ title, nodes, verb, bad, run }) {
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

        // closing the dialog would not take back what was sent

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

            // a disabled button would lose the focus

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
                    ? `${failure.message} It is not known whether the `
                      + 'change was made: check before you try again.'
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
        element('label', { for: 'percent' }, 'Rollout, in percent'),
        element('input', {
            id: 'percent', type: 'number', min: '0', max: '100', step: 'any',
            required: true, value: inPercent(value),
            'aria-describedby': 'percent-hint',
        }),
        element('p', { class: 'hint', id: 'percent-hint' },
                'Clients that are included at 10 stay included at 50. All '
                + 'others go on getting what they get now.'));
}


function percentOf(form) {
    const { valueAsNumber } = form.querySelector('#percent');

    return Math.round(valueAsNumber * 1e6) / 1e8;
}


// A plan as people write it down: "1 for 2h, 10 for 1d, 100".

function planField() {
    return element('div', { class: 'field' },
        element('label', { for: 'plan' },
                'Plan, to let the rollout grow by itself'),
        element('input', {
            id: 'plan', type: 'text', autocomplete: 'off',
            'aria-describedby': 'plan-hint',
        }),
        element('p', { class: 'hint', id: 'plan-hint' },
                'Each step is a percentage and how long it lasts, such as '
                + '“1 for 2h, 10 for 1d, 100”. A plan replaces the number '
                + 'above.'));
}


function planOf(form) {
    const text = form.querySelector('#plan').value.trim();

    return text === '' ? null : text.split(',').map((part) => {
        const found = /^\s*([\d.]+)\s*%?(?:\s+for\s+(\d+[mhdw]))?\s*$/
            .exec(part);

        if (!found) {
            throw new Error(`“${part.trim()}” is no step of a plan: write `
                            + '“10 for 1d”, the last one as “100”.');
        }

        const step = { share: Math.round(found[1] * 1e6) / 1e8 };

        return found[2] ? { ...step, for: found[2] } : step;
    });
}


// A rollout, or a plan.

function growthOf(form) {
    const plan = planOf(form);

    return plan ? { plan } : { rollout: percentOf(form) };
}


// chosen: the id of the channel to select; undefined: the first; null: none.

function channelField(channels, chosen) {
    return element('div', { class: 'field' },
        element('label', { for: 'channel' }, 'Channel'),
        element('select', { id: 'channel', required: true },
            chosen === null
                && element('option', { value: '' }, 'Choose a channel'),
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


// The generation that the person sees.  The server refuses a decision if
// somebody else has changed the app since.

function seen(app) {
    const asked = get(`/v1/apps/${part(app.id)}`)
        .then(({ generation }) => generation);

    // if the person cancels, nobody is interested in the failure

    asked.catch(() => {});

    return asked;
}


async function decide(path, generation, body) {
    const expect = await generation;

    return post(path, { ...body, expect }).catch((failure) => {

        // a file that another release has under the same name is named

        throw failure.status !== 409 || failure.message.startsWith('"')
            ? failure
            : new Failure(409, 'Somebody else has changed this app or decided '
                          + 'about this release meanwhile. Cancel and check '
                          + 'again.');
    });
}


// Whether a build came with rules other than "to everybody".

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
                'Use the rules that came with the build'),
        element('p', { class: 'hint', id: 'rules-hint' },
                'The page of the release shows them. A rollout below 100 '
                + 'replaces them.'));
}


// -- consequences ------------------------------------------------------------

// What a release does that nobody expects of it, if it takes the place of the
// latest one: texts.

function consequences(release, latest) {
    if (release.kind !== 'desktop' || !latest || latest.id === release.id) {
        return [];
    }

    const made = [];
    const name = nameOf(release);
    const now = nameOf(latest);
    const order = release.version && latest.version
                  ? compareVersions(release.version, latest.version) : 1;

    if (order < 0) {
        made.push(`${name} is older than ${now}, the latest release now. `
            + `Installations that have ${now} keep it, unless the app sets `
            + '"allowDowngrade"; all others and new downloads get '
            + `${name}.`);

    } else if (order === 0) {
        made.push(`The latest release now is ${now}, too: installations that `
            + 'have it do not update.');
    }

    return made;
}


// What is said of platforms for which a release has nothing, and the latest one
// has: the sentence ends with what they get.

function without(release, latest, end) {
    if (release.kind !== 'desktop' || !latest || !release.platforms) {
        return null;
    }

    const names = Object.keys(PLATFORMS)
        .filter((platform) => (latest.platforms || []).includes(platform)
                              && !release.platforms.includes(platform))
        .map((platform) => PLATFORMS[platform])
        .join(' and ');

    return names ? element('p', { class: 'hint' },
        foreign(nameOf(release)), ` has no files for ${names}: ${end}`) : null;
}


// What a promotion does to whom, as the server says.  Whoever would lose what
// he has, or go back, is named in a warning; body() confirms that if it was
// shown for the same rollout.

function effectsOf(app, release, field, asSaid) {
    const node = element('div', { 'data-key': 'effects' });
    const input = field.querySelector('input');
    let warned = null;
    let asked = 0;

    const rollout = () => (asSaid() ? undefined
        : Math.round(input.valueAsNumber * 1e6) / 1e8);

    const look = async () => {
        const mine = ++asked;
        const now = rollout();

        warned = null;

        if (Number.isNaN(now) || now < 0 || now > 1) {
            show(node);
            return;
        }

        try {
            const { effects, warnings: said } = await post(
                `${pathOf(app, release, 'promote')}?dry-run`,
                { rollout: now });

            if (mine !== asked) {
                return;
            }

            const bad = [
                ...told(effects, 'lost',
                        'some who get an update now would get none.'),
                ...told(effects, 'back',
                        'some would get an older version than now.'),
            ];

            warned = bad.length ? { rollout: now } : null;

            show(node, effectTable(effects), warnings(bad),
                warnings(said || []));

        } catch (failure) {

            // the decision itself will say it, too

            if (mine === asked) {
                show(node, element('p', { class: 'wrong' },
                                   foreign(failure.message)));
            }
        }
    };

    input.addEventListener('input', look);
    look();

    return {
        node,
        look,
        body: () => (warned && warned.rollout === rollout()
            ? { confirm: true } : {}),
    };
}


function told(effects, effect, text) {
    const names = effects.filter((one) => one.effect === effect)
        .map((one) => one.manifest);

    return names.length ? [`${names.join(', ')}: ${text}`] : [];
}


function leftOut(release) {
    return release.leftOutCount
        ? element('p', { class: 'hint' },
            plural(release.leftOutCount, 'uploaded file is',
                   'uploaded files are')
            + ' not part of it. The page of the release says which, and '
            + 'why.')
        : null;
}


// -- decisions ---------------------------------------------------------------

export function approve({ app, channels, latest }, release) {
    const desktop = release.kind === 'desktop';
    const waits = release.state === 'staged';
    const generation = seen(app);

    const field = percentField(waits && Number.isFinite(release.rollout)
                               ? release.rollout : 1);

    const rules = brings(release) ? rulesField(field) : null;
    const box = rules && rules.querySelector('input');
    const effects = desktop
        ? effectsOf(app, release, field, () => Boolean(box && box.checked))
        : null;

    if (box) {
        box.addEventListener('change', effects.look);
    }

    return ask({
        title: waits ? 'Approve this release?' : 'Release this again?',
        verb: waits ? 'Approve' : 'Release',
        nodes: [
            what(release),
            desktop ? null : channelField(channels, release.channel || null),
            warnings(consequences(release, latest)),
            without(release, latest, 'they keep what they have.'),
            leftOut(release),
            rules,
            field,
            planField(),
            effects ? effects.node : null,
            waits && release.pullRequest
                ? element('p', { class: 'hint' },
                    'The pull request stays open. Merge it, too: the next '
                    + 'change of desktop-builds.json withdraws each build '
                    + 'that is not listed there.') : null,
        ],

        async run(form) {
            const asSaid = form.querySelector('#rules')?.checked;
            const body = effects ? effects.body() : {};

            if (!asSaid) {
                Object.assign(body, growthOf(form));
            }

            if (!desktop) {
                const { value } = form.querySelector('#channel');
                const own = channels.find((one) => one.id === release.channel);

                // without a channel it is deployed once into its own

                if (!waits || !own || own.name !== value) {
                    body.channel = value;
                }
            }

            await decide(pathOf(app, release, 'promote'), generation,
                         body);

            return asSaid
                ? [foreign(nameOf(release)), ' is live, with its rules.']
                : [foreign(nameOf(release)), ' is live for ',
                   body.plan ? 'a share that grows' : percent(body.rollout),
                   '.'];
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
                        'Everybody who opens the release sees it.')),
        ],

        async run(form) {
            const reason = form.querySelector('#reason').value.trim();

            if (reason === '') {
                throw new Error('A reason is required.');
            }

            await decide(pathOf(app, release, 'reject'), generation,
                         { reason });

            return [foreign(nameOf(release)), ' is rejected.'];
        },
    });
}


// A bundle may be the newest deployment of some channels and an older one of
// others.

export function rollout({ app, channels, latest }, release) {
    const desktop = release.kind === 'desktop';
    const generation = seen(app);
    const shares = release.shares || [];

    const here = channels.filter((channel) => shares.some((one) =>
        one.deploymentId === channel.appDeploymentId));
    const other = channels.filter((channel) => shares.some((one) =>
        one.channelId === channel.id) && !here.includes(channel));

    const list = [...here, ...other];

    // the present rollout in a channel, or share of the installations

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
                 : 'This channel has a newer release. This one will be '
                   + 'deployed again, and take its place.');
        };

        select.addEventListener('change', look);
        channel.append(behind);
        look();
    }

    const effects = desktop ? effectsOf(app, release, field, () => false)
                            : null;

    return ask({
        title: 'Change the rollout',
        verb: 'Change',
        nodes: [
            what(release),
            warnings(consequences(release, latest)),
            channel,
            field,
            planField(),
            effects ? effects.node : null,
            desktop ? element('p', { class: 'hint' },
                'At 100 it becomes the latest release, for all installations '
                + 'that no rule sends elsewhere. Below 100 a rule gives it to '
                + 'that share; at 0 this rule is removed.') : null,
        ],

        async run(form) {
            const body = {
                ...(effects ? effects.body() : {}), ...growthOf(form),
            };

            if (!desktop) {
                body.channel = form.querySelector('#channel').value;
            }

            await decide(pathOf(app, release, 'promote'), generation,
                         body);

            return [foreign(nameOf(release)), ' is released to ',
                    body.plan ? 'a share that grows' : percent(body.rollout),
                    '.'];
        },
    });
}


// Halts a rollout, or does with its plan what people do.

const GROWTH = {
    halt: 'Halt: offer it to nobody new',
    resume: 'Resume: let it go on',
    pause: 'Pause the plan: the share stays',
    advance: 'Advance the plan: the next step begins now',
    stop: 'Stop the plan: the share stays for good',
};

const GROWN = {
    halt: 'The rollout is halted: ',
    resume: 'The rollout goes on: ',
    pause: 'The plan is paused: ',
    advance: 'The next step has begun: ',
    stop: 'The plan is stopped: ',
};


export function growth({ app, channels }, release) {
    const desktop = release.kind === 'desktop';
    const generation = seen(app);

    const list = channels.filter((channel) => (release.shares || [])
        .some((one) => one.channelId === channel.id));

    return ask({
        title: 'Change how the rollout goes on',
        verb: 'Apply',
        nodes: [
            what(release),
            desktop ? null : channelField(list),
            element('div', { class: 'field' },
                element('label', { for: 'action' }, 'Action'),
                element('select', { id: 'action', required: true },
                    Object.entries(GROWTH).map(([value, text]) =>
                        element('option', { value }, text)))),
            element('div', { class: 'field' },
                element('label', { for: 'reason' }, 'Reason (optional)'),
                element('input', { id: 'reason', type: 'text' })),
        ],

        async run(form) {
            const action = form.querySelector('#action').value;
            const reason = form.querySelector('#reason').value.trim();
            const body = reason === '' ? {} : { reason };

            if (!desktop) {
                body.channel = form.querySelector('#channel').value;
            }

            await decide(pathOf(app, release, action), generation, body);

            return [GROWN[action], foreign(nameOf(release)), '.'];
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
            element('p', {}, 'Clients are no longer offered this release, '
                    + 'but the one that was released before it. Clients that '
                    + 'have installed it keep it. It can be released again.'),
        ],

        async run() {
            await decide(pathOf(app, release, 'withdraw'), generation, {});

            return [foreign(nameOf(release)), ' is withdrawn.'];
        },
    });
}


// If the page of the release is open, it is left for that of the app.

export function remove({ app }, release) {
    return ask({
        title: 'Delete this release?',
        verb: 'Delete',
        bad: true,
        nodes: [
            what(release),
            element('p', {}, 'All its files are removed from the server and '
                    + 'cannot be brought back. The audit log keeps the '
                    + 'decisions about it.'),
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


export function rollback({ app, channels, latest, releases }, channelId) {
    const channel = channels.find((one) => one.id === channelId);
    const generation = seen(app);
    const base = `/releases/${part(app.id)}`;

    const where = element('div', {},
                          element('p', {}, 'Looking for the release…'));
    let found = null;
    let asked = 0;

    // a desktop app may have channels, too: of its update manifests

    const given = channel ? [] : [...releases.values()].flatMap((release) =>
        (release.shares || []).filter((one) => one.manifest));
    const updates = [...new Set(given.map((one) => one.channel))].sort();

    const select = updates.length > 1 && element('select', { id: 'updates' },
        element('option', { value: '' }, 'The release that came last'),
        updates.map((one) => element('option', { value: one }, one)));

    const look = () => {
        const mine = ++asked;
        const only = select ? select.value : '';

        found = leadsTo(base, channel, only).then((before) => {
            if (mine === asked) {
                show(where, comesBack(before, channel, latest, only));
            }
        });

        // run() says what failed

        found.catch(() => {});
    };

    if (select) {
        select.addEventListener('change', look);
    }

    look();

    return ask({
        title: channel ? ['Roll back ', foreign(channel.name), '?']
                       : 'Roll back the desktop app?',
        verb: 'Roll back',
        bad: true,
        nodes: [
            select && element('div', { class: 'field' },
                element('label', { for: 'updates' }, 'Channel'), select),
            where,
        ],

        async run() {
            await found;

            const body = { steps: 1 };

            if (channel) {
                body.channel = channel.name;

            } else if (select && select.value) {
                body.channel = select.value;
            }

            const { id } = await decide(`${base}/rollback`, generation, body);

            return ['Rolled back to ', foreign(id), '.'];
        },
    });
}


// The release that one step back leads to, or null.

async function leadsTo(base, channel, only) {
    const name = channel ? channel.name : only;
    const before = await getIfAny(`${base}/rollback`
        + (name ? `?channel=${part(name)}` : ''));

    return before && !channel ? getIfAny(`${base}/${part(before.id)}`)
                              : before;
}


function comesBack(before, channel, latest, only) {
    if (before && only) {
        return element('p', {}, foreign(nameOf(before)), ' (',
            code(before.id), ') becomes the latest release of ',
            foreign(only), ' again. Other channels stay.');
    }

    if (!before) {
        return element('p', {}, 'There is no release to go back to.');
    }

    const name = [foreign(nameOf(before)), ' (', code(before.id), ')'];

    return [
        element('p', {}, channel
            ? ['All devices of the channel get ', name, ', which was deployed '
               + 'before the present release.']
            : [name, ' was the latest release before',
               latest ? [' ', foreign(nameOf(latest))] : '',
               ' and becomes the latest again. All other rules stay.']),
        warnings(consequences(before, latest)),
        channel ? null
                : without(before, latest, 'there the newest earlier release '
                          + 'that has something comes back.'),
    ];
}


// Who has the address of a file with a key downloads it without a token.

export async function link({ app }, release) {
    const select = element('select', { id: 'hours' },
        [[1, 'One hour'], [24, 'One day'], [168, 'One week']].map(
            ([hours, text]) => element('option', { value: hours }, text)));
    let made = null;

    await ask({
        title: 'Make links for testers?',
        verb: 'Make links',
        nodes: [
            what(release),
            element('p', {}, 'Whoever has such a link can download the files '
                    + 'of this release without a token, until it expires, or '
                    + 'the release is approved or rejected.'),
            element('div', { class: 'field' },
                element('label', { for: 'hours' }, 'Valid for'), select),
        ],

        async run() {
            made = await post(pathOf(app, release, 'link'),
                              { expiresIn: 3600 * Number(select.value) });
            return null;
        },
    });

    if (made === null) {
        return null;
    }

    const full = await whole(`/releases/${part(app.id)}`, release);

    await ask({
        title: 'Links for testers',
        verb: 'Done',
        nodes: [
            element('p', {}, 'Copy the address of a link. The links work ',
                    'until ', time(made.expiresAt), '.'),
            linksTo(app, full, made.key),
        ],
        run: () => null,
    });

    return null;
}


export async function retry({ app }, release) {
    await post(pathOf(app, release, 'retry'), {});

    return [foreign(nameOf(release)), ' is fetched again.'];
}
