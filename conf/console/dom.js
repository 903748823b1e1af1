// Copyright (C) the nginx-liveupdate authors

// Elements, and numbers and times for people.  Texts from releases are foreign:
// they become text and attributes, never markup.

// element('a', { href: '#/' }, 'text', element('b'), null, ...)

export function element(name, attributes, ...children) {
    return filled(document.createElement(name), attributes, children);
}


// The same for SVG.

export function drawing(name, attributes, ...children) {
    return filled(document.createElementNS('http://www.w3.org/2000/svg', name),
                  attributes, children);
}


function filled(made, attributes, children) {
    for (const [key, value] of Object.entries(attributes || {})) {
        if (value === true) {
            made.setAttribute(key, '');

        } else if (value !== false && value !== null && value !== undefined) {
            made.setAttribute(key, value);
        }
    }

    made.append(...children.flat(Infinity)
                .filter((child) => child !== null && child !== undefined
                                   && child !== false));

    return made;
}


// Replaces the children of an element.  Children of the same kind are reused,
// so that neither focus nor selection is lost.

export function show(parent, ...children) {
    const holder = element(parent.nodeName, {}, ...children);

    syncChildren(parent, holder);
}


function syncChildren(old, now) {
    const keyed = new Map();

    for (const child of old.children) {
        if (child.dataset.key !== undefined) {
            keyed.set(child.dataset.key, child);
        }
    }

    let next = old.firstChild;

    for (const child of [...now.childNodes]) {
        const match = keyOf(child) === undefined ? next
                                                 : keyed.get(keyOf(child));

        if (!match || !alike(match, child)) {
            old.insertBefore(child, next);
            continue;
        }

        if (match === next) {
            next = next.nextSibling;

        } else {
            old.insertBefore(match, next);
        }

        sync(match, child);
    }

    while (next) {
        const gone = next;
        next = next.nextSibling;
        gone.remove();
    }
}


function keyOf(node) {
    return node.dataset && node.dataset.key;
}


function alike(a, b) {
    return a.nodeType === b.nodeType && a.nodeName === b.nodeName
           && keyOf(a) === keyOf(b);
}


function sync(old, now) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
        if (old.data !== now.data) {
            old.data = now.data;
        }

        return;
    }

    for (const { name } of [...old.attributes]) {
        if (!now.hasAttribute(name) && name !== 'open') {
            old.removeAttribute(name);
        }
    }

    for (const { name, value } of now.attributes) {
        if (old.getAttribute(name) !== value) {
            old.setAttribute(name, value);
        }
    }

    syncChildren(old, now);
}


// Text from others, which may be written or marked as right to left.

export function foreign(text) {
    return element('bdi', {}, String(text));
}


export function code(text) {
    return element('code', {}, String(text));
}


// What people copy and do not read, such as a digest: cut to the room that it
// has, and copied whole when it is pressed.

export function copied(text) {
    return element('button', {
        type: 'button', class: 'copy', 'data-action': 'copy',
        'data-text': text, title: `Copy ${text}`,
    }, spoken('Copy '), code(text));
}


// Text for screen readers only.

export function spoken(text) {
    return element('span', { class: 'spoken' }, text);
}


const DATE = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium', timeStyle: 'medium',
});

const NUMBER = new Intl.NumberFormat('en');
const FRACTION = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const PERCENT = new Intl.NumberFormat('en', {
    style: 'percent', maximumFractionDigits: 2,
});


export function time(text) {
    const date = new Date(text);

    if (typeof text !== 'string' || isNaN(date)) {
        return none();
    }

    return element('time', { datetime: date.toISOString() },
                   DATE.format(date));
}


export function clock(date) {
    return date.toLocaleTimeString('en-GB');
}


export function number(value) {
    return Number.isFinite(value) ? NUMBER.format(value) : '–';
}


export function percent(value) {
    return PERCENT.format(value);
}


export function bytes(value) {
    const units = ['B', 'kB', 'MB', 'GB', 'TB'];

    if (!Number.isFinite(value)) {
        return '–';
    }

    let unit = 0;

    while (value >= 1000 && unit < units.length - 1) {
        value /= 1000;
        unit++;
    }

    return `${FRACTION.format(value)} ${units[unit]}`;
}


export function none() {
    return element('span', { class: 'none' }, '–');
}


// A table: columns are names, or { name, class }; rows are { key, class,
// cells }.  The first cell names its row.  On a narrow page rows are cards with
// the names of the columns inside, unless the table is small; the elements keep
// their roles then.

export function table(caption, columns, rows, small) {
    const kinds = columns.map((column) => column.class);
    const names = columns.map((column) => column.name || column);

    return element('div', { class: 'scroll' }, element('table', {
        class: small ? 'small' : 'cards', role: 'table',
    },
        element('caption', { class: 'spoken' }, caption),
        element('thead', { role: 'rowgroup' },
            element('tr', { role: 'row' }, names.map((name, i) =>
                element('th', { scope: 'col', role: 'columnheader',
                                class: kinds[i] }, name)))),
        element('tbody', { role: 'rowgroup' }, rows.map((row) =>
            element('tr', { 'data-key': row.key, class: row.class,
                            role: 'row' },
                row.cells.map((cell, i) => (i === 0
                    ? element('th', { scope: 'row', role: 'rowheader',
                                      class: kinds[i] }, cell)
                    : element('td', { role: 'cell', class: kinds[i],
                                      'data-name': names[i] },
                              element('div', {}, cell)))))))));
}


export function button(action, text, subject, attributes) {
    return element('button', {
        type: 'button', 'data-action': action, ...attributes,
    }, text, subject ? spoken([' ', foreign(subject)]) : null);
}


// A share as a bar and as a number.

export function share(value) {
    return element('span', { class: 'share' },
        element('progress', { max: '1', value: String(value),
                              'aria-hidden': 'true' }),
        element('span', {}, percent(value)));
}
