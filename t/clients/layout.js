// Copyright (C) the nginx-liveupdate authors

// What a person could not read or reach on a page, in sentences; it is run in
// the page.  If a dialog is open, it is what people see.

'use strict';

module.exports = () => {

    // longer words of others may be broken

    const WORD = 20;

    const wide = document.documentElement.clientWidth;
    const dialog = document.querySelector('dialog[open]');
    const root = dialog || document.body;
    const found = new Set();

    const name = (one) => {
        const key = one.closest('[data-key]');

        return `${key ? `[${key.dataset.key}] ` : ''}${one.nodeName}`
               + `.${one.getAttribute('class') || ''} `
               + `"${one.textContent.replace(/\s+/g, ' ').slice(0, 60)}"`;
    };

    const hidden = (one) => one.closest('.spoken, .skip') !== null
        || !one.checkVisibility({ checkVisibilityCSS: true });

    if (document.documentElement.scrollWidth > wide) {
        found.add(`the page scrolls sideways: `
                  + `${document.documentElement.scrollWidth} of ${wide}`);
    }

    for (const one of root.querySelectorAll('*')) {
        if (hidden(one)) {
            continue;
        }

        const { left, right, width } = one.getBoundingClientRect();
        const { overflowX, textOverflow } = getComputedStyle(one);

        if (width > 1 && (left < -0.5 || right > wide + 0.5)) {
            found.add(`out of view: ${name(one)}`);
        }

        if (overflowX !== 'visible' && textOverflow !== 'ellipsis'
            && !one.matches('input, select, textarea')
            && width > 1 && one.scrollWidth > one.clientWidth + 1)
        {
            found.add(`scrolls sideways: ${name(one)}`);
        }
    }

    // a word that is broken has a part on each of two lines

    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const range = document.createRange();

    const lines = () => new Set([...range.getClientRects()]
        .map(({ top }) => Math.round(top))).size;

    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
        range.selectNodeContents(text);

        if (lines() < 2 || hidden(text.parentNode)) {
            continue;
        }

        for (const { 0: word, index } of text.data.matchAll(/\S+/g)) {
            if (word.length > WORD) {
                continue;
            }

            for (const { 0: part, index: from } of word.matchAll(/[^-]+/g)) {
                range.setStart(text, index + from);
                range.setEnd(text, index + from + part.length);

                if (lines() > 1) {
                    found.add(`broken: "${part}" in ${name(text.parentNode)}`);
                }
            }
        }
    }

    // what has a place of its own, and is not under something else

    for (const one of root.querySelectorAll('button, a[href], input, select, '
                                            + 'textarea, summary'))
    {
        if (hidden(one)) {
            continue;
        }

        one.scrollIntoView({ block: 'center' });

        const [box] = one.getClientRects();
        const there = box && document.elementFromPoint(
            box.left + box.width / 2, box.top + box.height / 2);

        if (!there || !(one.contains(there) || there.contains(one))) {
            found.add(`cannot be reached: ${name(one)}`);
        }
    }

    root.scrollTop = 0;
    window.scrollTo(0, 0);

    return [...found];
};
