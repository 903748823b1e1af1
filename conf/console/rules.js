// Copyright (C) the nginx-liveupdate authors

// The dialog in which a person changes the rules of a desktop app, with what
// they would give to whom.

import { get, part, put } from './api.js';
import { ask } from './dialogs.js';
import { element, foreign, none, percent, show, table } from './dom.js';
import { PLATFORMS, nameOf, place } from './release.js';

const KINDS = {
    buildByIp: 'By address', buildByPlatform: 'By platform',
    buildByRollout: 'By share', build: 'For everybody',
};

// How long somebody types, in milliseconds.

const PAUSE = 300;


export async function rules({ app, releases }) {
    const path = `/releases/${part(app.id)}/rules`;
    const live = [...releases.values()].filter((one) => one.state === 'live');

    // what the page shows may be older than this generation

    const { generation } = await get(`/v1/apps/${part(app.id)}`);
    const now = await get(path);

    const list = element('div', {});
    const preview = element('div', { 'data-key': 'preview',
                                     'aria-live': 'polite' });

    const latest = releaseField('Latest release', live,
                                now.latestReleaseBuildId);
    let asked = 0;
    let timer = null;

    const body = () => ({
        latestReleaseBuildId: latest.value() || undefined,
        releaseRedirections: [...list.children].map((one) => one.rule()),
    });

    const look = async () => {
        const mine = ++asked;

        try {
            const then = await put(`${path}?dry-run`, body());

            if (mine === asked) {
                show(preview, given(then.releases, releases));
            }

        } catch (failure) {
            if (mine === asked) {
                show(preview, element('p', { class: 'wrong' },
                                      foreign(failure.message)));
            }
        }
    };

    const soon = () => {
        clearTimeout(timer);
        timer = setTimeout(look, PAUSE);
    };

    const add = (rule) => {
        list.append(ruleField(rule, live, soon));
        number(list);
    };

    (now.releaseRedirections || []).forEach(add);

    const more = element('button', { type: 'button' }, 'Add a rule');

    more.addEventListener('click', () => {
        add({ rule: 'buildByRollout', percentage: 10,
              buildId: live.length ? live[0].id : '' });
        soon();
    });

    const fields = element('div', {}, latest, list,
                           element('p', { class: 'actions' }, more));

    fields.addEventListener('input', soon);
    look();

    return ask({
        title: 'Edit the rules',
        verb: 'Save the rules',
        nodes: [
            element('p', { class: 'hint' },
                    'The last rule that applies decides. A rule for everybody '
                    + 'decides only if no other rule applies.'),
            fields,
            element('h3', {}, 'Who will get what'),
            preview,
            element('p', { class: 'hint' },
                    'These numbers leave out rules by address.'),
        ],

        async run() {
            await put(path, { ...body(), expect: generation });

            return 'The rules are saved.';
        },
    });
}


// -- fields ------------------------------------------------------------------

// A rule of another kind is kept as it is.

function ruleField(rule, live, changed) {
    const known = rule.rule in KINDS;
    const kind = select(KINDS, rule.rule);
    const release = releaseField('Release', live, rule.buildId);
    const text = (name, value, hint) => field(name, element('input', {
        type: 'text', value, placeholder: hint,
    }));

    const share = field('Percent', element('input', {
        type: 'number', min: '0', max: '100', step: 'any',
        value: String(rule.percentage === undefined ? 100 : rule.percentage),
    }));
    const addresses = text('Addresses', (rule.ipList || []).join(', '),
                           '192.0.2.7, 198.51.100.0/24');
    const channels = text('Only channels', (rule.channels || []).join(', '),
                          'all');
    const archs = text('Only architectures', (rule.archs || []).join(', '),
                       'all');

    const boxes = Object.keys(PLATFORMS).map((platform) => {
        const box = element('input', {
            type: 'checkbox', value: platform,
            checked: (rule.platforms || []).includes(platform),
        });

        return element('label', { class: 'check' }, box, PLATFORMS[platform]);
    });

    const platforms = element('fieldset', {},
                              element('legend', {}, 'Platforms'), boxes);

    const button = (verb, act) => {
        const made = element('button', { type: 'button' }, verb);

        made.addEventListener('click', () => {
            const { parentNode } = made.closest('.rule');

            act(made.closest('.rule'));
            number(parentNode);
            changed();
        });

        return made;
    };

    const made = element('fieldset', { class: 'rule' },
        element('legend', {}),
        known ? [field('Kind', kind), release, addresses, share, platforms,
                 channels, archs]
              : element('p', {}, 'A rule that this console does not know is '
                                 + 'kept: ', foreign(rule.rule)),
        element('p', { class: 'actions' },
            button('Up', (one) => {
                one.previousElementSibling?.before(one);
            }),
            button('Remove', (one) => one.remove())));

    const fit = () => {
        addresses.hidden = kind.value !== 'buildByIp';
        share.hidden = kind.value !== 'buildByRollout';
        platforms.hidden = !['buildByPlatform', 'buildByRollout']
            .includes(kind.value);
    };

    kind.addEventListener('input', fit);
    fit();

    made.rule = () => (known ? ruleOf() : rule);

    const words = (one) => one.querySelector('input').value.split(/[\s,]+/)
        .filter((word) => word !== '');

    function ruleOf() {
        const on = boxes.map((one) => one.querySelector('input'))
            .filter((box) => box.checked).map((box) => box.value);
        const of = { rule: kind.value, buildId: release.value() };

        if (!addresses.hidden) {
            of.ipList = words(addresses);
        }

        if (!share.hidden) {
            of.percentage = share.querySelector('input').valueAsNumber;
        }

        if (!platforms.hidden && (on.length || share.hidden)) {
            of.platforms = on;
        }

        for (const [name, one] of [['channels', channels], ['archs', archs]]) {
            if (words(one).length) {
                of[name] = words(one);
            }
        }

        return of;
    }

    return made;
}


function number(list) {
    [...list.children].forEach((one, i) => {
        show(one.querySelector('legend'), `Rule ${i + 1}`);
    });
}


function select(options, chosen) {
    return element('select', {}, Object.entries(options).map(
        ([value, text]) => element('option', {
            value, selected: value === chosen,
        }, text)));
}


function field(name, input) {
    return element('label', { class: 'field' }, name, input);
}


// A live release; one that is not live any more stays until it is replaced.

function releaseField(name, live, chosen) {
    const options = {};

    if (chosen === undefined || !live.some((one) => one.id === chosen)) {
        options[chosen || ''] = chosen || 'none';
    }

    for (const one of live) {
        options[one.id] = `${nameOf(one)} (${one.id})`;
    }

    const input = select(options, chosen);
    const made = field(name, input);

    made.value = () => input.value;

    return made;
}


// -- the preview -------------------------------------------------------------

function given(then, releases) {
    const rows = new Map();

    const row = (one, release) => {
        const key = `${one.manifest || one.platform}/${release.id}`;

        if (!rows.has(key)) {
            rows.set(key, { one, release, now: 0, then: 0 });
        }

        return rows.get(key);
    };

    for (const release of releases.values()) {
        for (const one of release.shares || []) {
            if (one.platform) {
                row(one, release).now = one.share;
            }
        }
    }

    for (const release of then) {
        for (const one of release.shares) {
            row(one, release).then = one.share;
        }
    }

    const sorted = [...rows.entries()].sort(([a], [b]) => a < b ? -1 : 1);

    return sorted.length === 0
        ? element('p', { class: 'quiet' }, 'Nobody gets anything.')
        : table('Who will get what', ['Who', 'Release', 'Now', 'Then'],
            sorted.map(([key, { one, release, now, then: later }]) => ({
                key,
                cells: [
                    place(one), foreign(release.version || release.id),
                    now ? percent(now) : none(),
                    now === later ? 'same' : later ? percent(later) : none(),
                ],
            })));
}
