// Copyright (C) the nginx-liveupdate authors

// A browser that is told what to do: lines of JSON in, lines of JSON out.
// A person's means are its own: roles and names of elements, keys, and what
// is to be read.
//
//     node browser.js CHROMIUM [OPTION ...]
//
// {"do": "open", "url": "..."}  ->  {"ok": true, "value": ...}, or
// {"ok": false, "message": "..."}.  What goes wrong in the page by itself
// (violations of its policy, errors of scripts) is kept for "problems".

'use strict';

const fs = require('fs');
const readline = require('readline');

const { chromium } = require('playwright-core');

const layout = require('./layout.js');

const TIMEOUT = 30000;

let browser, context, page, problems, requests;


// { role, name, within, exact } or { label } or { css }; the first that fits,
// within a table row or a section that has a text.

function find(what) {
    let base = page;

    if (what.within) {
        base = page.locator(what.within.css || 'tr, section, dialog')
            .filter({ hasText: what.within.text || what.within }).last();
    }

    if (what.css) {
        return base.locator(what.css).first();
    }

    if (what.label) {
        return base.getByLabel(what.label, { exact: true }).first();
    }

    return base.getByRole(what.role, {
        name: what.name, exact: what.exact || false,
    }).first();
}


function watch(opened) {
    opened.setDefaultTimeout(TIMEOUT);

    opened.on('pageerror', (error) => problems.push(String(error)));

    opened.on('console', (message) => {
        if (message.type() === 'error'
            && !/^Failed to load resource/.test(message.text()))
        {
            problems.push(message.text());
        }
    });

    opened.on('dialog', (dialog) => {
        problems.push(`a dialog: ${dialog.message()}`);
        dialog.dismiss();
    });

    opened.on('request', (request) => requests.push(request.url()));
}


const COMMANDS = {

    async start({ scheme, width, height }) {
        problems = [];
        requests = [];

        context = await browser.newContext({
            colorScheme: scheme || 'light',
            viewport: { width: width || 1280, height: height || 900 },
            locale: 'en-GB',
            timezoneId: 'UTC',
        });

        await context.addInitScript(() => {
            document.addEventListener('securitypolicyviolation', (event) =>
                console.error(`policy: ${event.violatedDirective} `
                              + event.blockedURI));
        });

        page = await context.newPage();
        watch(page);
    },

    async end() {
        await context.close();
    },

    async open({ url }) {
        const reply = await page.goto(url);

        return reply ? reply.status() : null;
    },

    async reload() {
        await page.reload();
    },

    async hash({ hash }) {
        await page.evaluate((value) => { location.hash = value; }, hash);
    },

    async click({ what }) {
        await find(what).click();
    },

    async fill({ what, text }) {
        await find(what).fill(text);
    },

    async choose({ what, text }) {
        await find(what).selectOption(text);
    },

    async press({ keys }) {
        for (const key of keys) {
            await page.keyboard.press(key);
        }
    },

    async type({ text }) {
        await page.keyboard.type(text);
    },

    // until the page, or an element, says so

    async see({ text, css, timeout, gone }) {
        await page.waitForFunction(([text, css, gone]) => {
            const said = [...document.querySelectorAll(css)]
                .map((one) => one.innerText).join('\n');

            return said.includes(text) !== gone;
        }, [text, css || 'body', gone || false],
        { timeout: timeout || TIMEOUT });
    },

    async text({ what }) {
        return find(what).innerText();
    },

    async count({ what }) {
        return what.css ? page.locator(what.css).count()
                        : page.getByRole(what.role, { name: what.name })
                            .count();
    },

    async enabled({ what }) {
        return find(what).isEnabled();
    },

    // what has the focus, as a screen reader says it

    async focus() {
        return page.evaluate(() => {
            const one = document.activeElement;

            return `${one.nodeName.toLowerCase()} ${one.id
                || (one.textContent || '').replace(/\s+/g, ' ').trim()}`;
        });
    },

    async title() {
        return page.title();
    },

    async tree() {
        return page.locator('body').ariaSnapshot();
    },

    // all that a page could remember something with

    async kept() {
        return page.evaluate(() => JSON.stringify([
            { ...localStorage }, { ...sessionStorage }, document.cookie,
            location.href, history.state, window.name,
        ]));
    },

    async look({ css, property }) {
        return page.evaluate(([css, property]) =>
            getComputedStyle(document.querySelector(css))[property],
        [css, property]);
    },

    async run({ code }) {
        return page.evaluate(code);
    },

    async size({ width, height }) {
        await page.setViewportSize({ width, height });
    },

    async scheme({ scheme }) {
        await page.emulateMedia({ colorScheme: scheme });
    },

    async shot({ path }) {
        await page.screenshot({ path, fullPage: true });
    },

    // what a person could not read or reach

    async layout() {
        return page.evaluate(layout);
    },

    // what axe-core finds: the rule, and where

    async axe({ rules }) {
        if (!await page.evaluate(() => 'axe' in window)) {
            await page.evaluate(
                fs.readFileSync(require.resolve('axe-core/axe.min.js'),
                                'utf8'));
        }

        return page.evaluate(async (rules) => {
            const { violations } = await axe.run(
                document.querySelector('dialog[open]') || document,
                rules.length ? { runOnly: rules } : {});

            return violations.flatMap(({ id, nodes }) =>
                nodes.map(({ html, failureSummary }) =>
                    `${id}: ${html.slice(0, 200)} `
                    + failureSummary.replace(/\s+/g, ' ').slice(0, 300)));
        }, rules);
    },

    async problems() {
        return problems.splice(0);
    },

    async requests() {
        return requests.splice(0);
    },
};


async function main() {
    browser = await chromium.launch({
        executablePath: process.argv[2],
        args: [
            ...process.argv.slice(3),
            ...process.getuid() === 0 ? ['--no-sandbox'] : [],
        ],
    });

    const lines = readline.createInterface({ input: process.stdin });

    for await (const line of lines) {
        const command = JSON.parse(line);
        let answer;

        try {
            const value = await COMMANDS[command.do](command);

            answer = { ok: true, value: value === undefined ? null : value };

        } catch (error) {
            answer = { ok: false, message: error.message };
        }

        process.stdout.write(JSON.stringify(answer) + '\n');
    }

    await browser.close();
}


main();
