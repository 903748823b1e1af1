// Copyright (C) the nginx-liveupdate authors

// The CLI keeps its token in the keyring of the system, and prefers what is
// there to the environment.  A test must neither read nor overwrite what the
// person who runs it has in there.  "node --require keyring.js" puts this in
// the place of the native half of the CLI's keyring library: the token is kept
// in LIVEUPDATE_KEYRING, and without that there is no keyring, as on most
// servers.

'use strict';

const fs = require('fs');
const file = process.env.LIVEUPDATE_KEYRING;


class Entry {
    constructor() {
        if (!file) {
            throw new Error('no keyring');
        }
    }

    getPassword() {
        return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null;
    }

    setPassword(password) {
        fs.writeFileSync(file, password, { mode: 0o600 });
    }

    deletePassword() {
        fs.unlinkSync(file);
    }
}


const dlopen = process.dlopen;

process.dlopen = (module, filename, ...rest) => {
    if (/[\\/]keyring[^\\/]*\.node$/.test(filename)) {
        module.exports = { Entry };
        return;
    }

    dlopen.call(process, module, filename, ...rest);
};
