// Copyright (C) the nginx-liveupdate authors

// Desktop apps that update themselves: electron-updater, unmodified, under
// Node.  What Electron would give it is given here: who the app is and where
// it keeps its files, requests, and, for a Mac, Squirrel.
//
//     node updater.js < jobs.json
//
// Each job is {target, feed, version, dir, ...} and the answers are a list of
// what each came to, see run().  They run one after the other.

'use strict';

const events = require('events');
const fs = require('fs');
const http = require('http');
const Module = require('module');
const path = require('path');

const autoUpdater = new events.EventEmitter();

provideElectron({ autoUpdater });

const targets = {
    nsis: { platform: 'win32', updater: 'NsisUpdater' },
    appimage: { platform: 'linux', updater: 'AppImageUpdater' },
    deb: { platform: 'linux', updater: 'DebUpdater' },
    rpm: { platform: 'linux', updater: 'RpmUpdater' },
    mac: { platform: 'darwin', updater: 'MacUpdater' }
};


async function main() {
    const jobs = JSON.parse(fs.readFileSync(0, 'utf8'));
    const answers = [];

    for (const job of jobs) {
        answers.push(await run(job));
    }

    // a proxy for Squirrel, or an idle connection, may still be open

    process.stdout.write(JSON.stringify(answers), () => process.exit(0));
}


// A job: the app's version and what it was made for (target), the address of
// its updates (feed), its folder (dir, with "data" and "cache" in it), for an
// AppImage its file (installed), allowDowngrade, checkOnly, and oneByOne (a
// request for each range); arch, x64 unless told; the channel that the app was
// built with (built), and the one that it sets (channel), which
// electron-updater takes as allowDowngrade, too; the package, electron-updater
// unless told, and the id of the installation; the headers that the app adds,
// and whether the app takes part in each rollout (within).
//
// The answer: the version that was found, if it is an update; the minimum that
// came with it; the file that
// was downloaded; what Squirrel was given; the error that ended it; the id
// that was sent; the number of requests; the status of each reply, with the
// number of ranges that were asked for; the bytes received, with all headers;
// what the updater logged.

async function run(job) {
    const { platform, updater: name } = targets[job.target];
    const { Updater, Executor } = client(job.package || 'electron-updater',
                                         name);

    Object.defineProperty(process, 'platform', { value: platform });
    Object.defineProperty(process, 'arch', { value: job.arch || 'x64' });

    process.env.APPIMAGE = job.installed || '';
    process.env.TEST_UPDATER_ARCH = job.arch || 'x64';

    const answer = { file: null, squirrel: null, error: null, log: [] };
    const app = new App(job);
    const updater = new Updater(null, app);
    const executor = new Executor();
    const log = line => answer.log.push(String(line));

    updater.httpExecutor = executor;
    updater.logger = { info: log, warn: log, error: log };
    updater.allowDowngrade = Boolean(job.allowDowngrade);

    if (job.channel) {
        updater.channel = job.channel;
    }

    if (job.headers) {
        updater.requestHeaders = job.headers;
    }

    if (job.within) {
        updater.isUserWithinRollout = () => true;
    }

    updater.autoDownload = false;

    // an error without a listener ends the process
    updater.on('error', () => {});

    // versions before 6.4 do not return it
    updater.on('update-available', () => { answer.isUpdate = true; });
    updater.on('update-not-available', () => { answer.isUpdate = false; });

    const squirrel = new Squirrel(job.dir);

    try {
        const found = await updater.checkForUpdates();

        answer.version = found.updateInfo.version;
        answer.minimum = found.updateInfo.minimumVersion;

        if (answer.isUpdate && !job.checkOnly) {
            const [file] = await Promise.all([
                download(updater), job.target === 'mac' && squirrel.done
            ]);

            answer.file = file;
            answer.squirrel = squirrel.file;

            // AppImages are installed when the app quits
            if (job.target === 'appimage') {
                app.quit();
            }
        }

    } catch (e) {
        answer.error = { code: e.code || null, message: e.message };
    }

    squirrel.stop();

    if (updater.closeServerIfExists) {
        updater.closeServerIfExists();
    }

    answer.requests = executor.requests;
    answer.replies = executor.replies;
    answer.received = executor.received();
    answer.id = fs.readFileSync(path.join(app.userDataPath, '.updaterId'),
                                'utf8');
    return answer;
}


async function download(updater) {
    const downloaded = events.once(updater, 'update-downloaded');

    downloaded.catch(() => {});
    await updater.downloadUpdate();

    return (await downloaded)[0].downloadedFile;
}


// The app, as electron-updater sees it through Electron.

class App {
    constructor(job) {
        this.version = job.version;
        this.name = 'my-app';
        this.isPackaged = true;
        this.userDataPath = path.join(job.dir, 'data');
        this.baseCachePath = path.join(job.dir, 'cache');
        this.appUpdateConfigPath = path.join(job.dir, 'app-update.yml');
        this.quitHandlers = [];

        fs.mkdirSync(this.userDataPath, { recursive: true });

        if (job.id) {
            fs.writeFileSync(path.join(this.userDataPath, '.updaterId'),
                             job.id);
        }

        fs.writeFileSync(this.appUpdateConfigPath,
            `provider: generic\nurl: ${JSON.stringify(job.feed)}\n` +
            (job.oneByOne ? 'useMultipleRangeRequest: false\n' : '') +
            (job.built ? `channel: ${job.built}\n` : '') +
            'updaterCacheDirName: my-app-updater\n');
    }

    async whenReady() {}

    relaunch() {}

    onQuit(handler) {
        this.quitHandlers.push(handler);
    }

    quit() {
        this.quitHandlers.forEach(handler => handler(0));
    }
}


// The updater of a package, and an executor of requests for it.

function client(name, updater) {
    const { [updater]: Updater } = require(name);
    const runtime = require(require.resolve('builder-util-runtime', {
        paths: [path.dirname(require.resolve(name))]
    }));

    return { Updater, Executor: executor(runtime) };
}


// Requests, by Node in the place of Electron's network.

function executor(runtime) {
    const { HttpExecutor, configureRequestOptions, configureRequestUrl } =
        runtime;

    return class extends HttpExecutor {
        constructor() {
            super();
            this.requests = 0;
            this.replies = [];
            this.sockets = new Set();
            this.agent = new http.Agent({ keepAlive: true });
        }

        createRequest(options, callback) {
            this.requests++;

            const { Range, range } = options.headers || {};
            const ranges = (Range || range || '').split(',').filter(Boolean);

            return http.request({ ...options, agent: this.agent }, callback)
                .on('socket', socket => this.sockets.add(socket))
                .on('response', response => this.replies.push(
                    { status: response.statusCode, ranges: ranges.length }));
        }

        received() {
            return [...this.sockets].reduce((n, s) => n + s.bytesRead, 0);
        }

        download(url, destination, options) {
            return options.cancellationToken.createPromise(
                (resolve, reject, onCancel) => {
                    const request = { headers: options.headers || undefined };

                    configureRequestUrl(url, request);
                    configureRequestOptions(request);

                    this.doDownload(request, {
                        destination, options, onCancel,
                        responseHandler: null,
                        callback: e => e ? reject(e) : resolve(destination)
                    }, 0);
                });
        }
    };
}


// Squirrel.Mac: told where to look, it fetches a description, and then the zip
// that this names.  It leaves its connections open, as macOS does: before 6.1
// electron-updater waits for ever for the end of one that was closed too early.

class Squirrel {
    constructor(dir) {
        this.file = null;
        this.agent = new http.Agent({ keepAlive: true });

        autoUpdater.setFeedURL = feed => { this.feed = feed; };
        autoUpdater.checkForUpdates = () => {
            this.fetch(path.join(dir, 'squirrel.zip')).catch(e => {
                autoUpdater.emit('error', e);
            });
        };

        this.done = new Promise((resolve, reject) => {
            autoUpdater.once('update-downloaded', resolve);
            autoUpdater.once('error', reject);
        });

        this.done.catch(() => {});
    }

    async fetch(file) {
        const { url, headers } = this.feed;

        const get = (url, headers) => request(url, headers, this.agent);

        const refused = await get(url, {});
        const told = await get(url, headers);

        // versions before 6.1 let anybody in

        const wanted = headers.Authorization ? 401 : 200;

        if (refused.status !== wanted || told.status !== 200) {
            throw new Error(`the proxy says ${refused.status}, ${told.status}`);
        }

        const from = JSON.parse(told.body).url;
        const zip = await get(from, headers).catch(() => get(from, headers));

        fs.writeFileSync(file, zip.body);
        this.file = file;

        autoUpdater.emit('update-downloaded');
    }

    stop() {
        autoUpdater.removeAllListeners();
        this.agent.destroy();
    }
}


function request(url, headers, agent) {
    return new Promise((resolve, reject) => {
        const request = http.get(url, { headers, agent }, response => {
            const chunks = [];

            response.on('data', chunk => chunks.push(chunk));
            response.on('error', reject);
            response.on('close', () => reject(new Error('closed too early')));
            response.on('end', () => resolve({
                status: response.statusCode, body: Buffer.concat(chunks)
            }));
        });

        request.on('error', reject);
        request.setTimeout(10000, () => request.destroy(new Error('silent')));
    });
}


// There is no package of this name here.

function provideElectron(electron) {
    const load = Module._load;

    Module._load = (request, ...rest) =>
        request === 'electron' ? electron : load(request, ...rest);
}


main();
