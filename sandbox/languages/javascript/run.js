// SPDX-License-Identifier: Apache-2.0
// Runs main.js as `node main.js` would, but compiles it first, so that what is no program at all is told from one that fails.
'use strict';
const fs = require('fs');
const vm = require('vm');
const Module = require('module');
const path = process.cwd() + '/main.js';
let source = fs.readFileSync(path, 'utf8').replace(/^\uFEFF/, '');

function isProgram(text) {
	try {
		// eslint-disable-next-line no-new
		new vm.Script(text, { filename: 'main.js' });
		return null;
	} catch (error) {
		return error;
	}
}

const body = source.replace(/^#!.*/, '');
const fault = isProgram(Module.wrap(body));
if (!fault) {
	process.argv[1] = path;
	Module.runMain();
} else if (/^\s*(import|export)\b/m.test(body) || /\bawait\b/.test(body)) {
	// A module of the newer kind: only Node itself can say whether it is one.
	fs.writeFileSync('main.mjs', source);
	process.argv[1] = process.cwd() + '/main.mjs';
	import('file://' + process.argv[1]).catch((error) => {
		if (error instanceof SyntaxError)
			process.stderr.write('main.js is no program: ');
		process.stderr.write(String(error && error.stack || error) + '\n');
		process.exit(1);
	});
} else {
	process.stderr.write('main.js is no program: ' + String(fault.stack || fault) + '\n');
	process.exitCode = 1;
}
