// Copyright (C) the nginx-liveupdate authors

// What targets were sent, as their own packages see it: standardwebhooks
// verifies signatures, adaptivecards parses cards, and TypeScript compares
// bodies with the types of Slack's and Discord's packages.
//
// Reads JSON from its standard input, an array of { form, secret, headers,
// body }, and prints what is wrong, a line for each.

const fs = require('fs');
const path = require('path');
const ts = require('typescript');
const { AdaptiveCard, SerializationContext, Versions }
    = require('adaptivecards/dist/adaptivecards.js');
const { Webhook } = require('standardwebhooks');

const sent = JSON.parse(fs.readFileSync(0, 'utf8'));
const literals = [];

for (const [i, one] of sent.entries()) {
    try {
        look(one, i);

    } catch (error) {
        console.log(`${i} ${one.form}: ${error.message}`);
    }
}

typed(literals);


function look({ form, secret, headers, body }, i) {
    const json = JSON.parse(body);

    if (form === 'json') {
        new Webhook(secret).verify(body, headers);

        let wrong = false;

        try {
            new Webhook(secret).verify(`${body} `, headers);
            wrong = true;

        } catch (error) {
            // as it should be
        }

        if (wrong) {
            throw new Error('another body is verified as well');
        }

    } else if (form === 'teams') {
        card(json);

    } else if (form === 'slack') {
        literals.push(`const a${i}: Slack = ${body};`);

    } else if (form === 'discord') {
        literals.push(`const a${i}: Discord = ${body};`);

        if ([...json.content].length > 2000) {
            throw new Error('more than 2000 characters');
        }
    }
}


function card(json) {
    const [attachment] = json.attachments;

    if (json.type !== 'message' || json.attachments.length !== 1
        || attachment.contentType !== 'application/vnd.microsoft.card.adaptive'
        || attachment.contentUrl !== null)
    {
        throw new Error('no message with a card');
    }

    const parsed = new AdaptiveCard();
    const context = new SerializationContext(Versions.v1_2);

    parsed.parse(attachment.content, context);

    const events = [];

    for (let n = 0; n < context.eventCount; n++) {
        events.push(context.getEventAt(n).message);
    }

    events.push(...parsed.validateProperties().validationEvents
        .map(({ message }) => message));

    if (events.length > 0 || parsed.getItemCount() !== 2) {
        throw new Error(events.join('; ') || 'another number of items');
    }
}


// A literal may not have members that its type does not know.

function typed(lines) {
    const name = path.join(__dirname, 'notices.ts');
    const text = [
        "import type { ChatPostMessageArguments } from '@slack/web-api';",
        'import type { RESTPostAPIWebhookWithTokenJSONBody }',
        "    from 'discord-api-types/v10';",
        'type Message = Extract<ChatPostMessageArguments, { text: string }>;',
        "type Slack = Pick<Message, 'text' | 'mrkdwn' | 'unfurl_links'",
        "    | 'unfurl_media'>;",
        'type Discord = RESTPostAPIWebhookWithTokenJSONBody;',
        ...lines,
    ].join('\n');

    const options = {
        strict: true, noEmit: true, skipLibCheck: true, types: [],
        module: ts.ModuleKind.Node16,
        moduleResolution: ts.ModuleResolutionKind.Node16,
        target: ts.ScriptTarget.ES2022,
    };

    const host = ts.createCompilerHost(options);
    const { fileExists, readFile, getSourceFile } = host;

    host.fileExists = (file) => file === name || fileExists.call(host, file);
    host.readFile = (file) => file === name ? text
                                            : readFile.call(host, file);
    host.getSourceFile = (file, ...more) => file === name
        ? ts.createSourceFile(file, text, options.target)
        : getSourceFile.call(host, file, ...more);

    const program = ts.createProgram([name], options, host);

    for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
        if (!file || file.fileName === name) {
            console.log(ts.flattenDiagnosticMessageText(messageText, ' '));
        }
    }
}
