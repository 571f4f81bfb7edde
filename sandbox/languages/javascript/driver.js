// SPDX-License-Identifier: Apache-2.0
// driver.js - answers questions about a JavaScript program over descriptor 3 (docs/formats/frame.md).
//
// It knows nothing of tests: it runs the program once and then makes the calls that it is asked for.
'use strict';
const fs = require('fs');
const vm = require('vm');
const Module = require('module');

const CHANNEL = 3;
const MAX_DEPTH = 200;
const MAX_FRAME = 16 << 20;
const QUESTION = 0x80000000;

class Refused extends Error {}

// --- the channel ---
function readExactly(n) {
	const bytes = Buffer.allocUnsafe(n);
	for (let at = 0; at < n;) {
		const got = fs.readSync(CHANNEL, bytes, at, n - at, null);
		if (got === 0)
			process.exit(0);
		at += got;
	}
	return bytes;
}

function send(body) {
	const frame = Buffer.allocUnsafe(4 + body.length);
	frame.writeUInt32LE(body.length, 0);
	body.copy(frame, 4);
	for (let at = 0; at < frame.length;)
		at += fs.writeSync(CHANNEL, frame, at, frame.length - at);
}

// --- values out ---
function u32(n) {
	const b = Buffer.allocUnsafe(4);
	b.writeUInt32LE(n >>> 0, 0);
	return b;
}

function bytesOf(text) {
	// A lone surrogate is written as three bytes, as Python's surrogatepass writes it.
	if (!/[\ud800-\udfff]/.test(text))
		return Buffer.from(text, 'utf8');
	const parts = [];
	for (const c of text) {
		const code = c.codePointAt(0);
		if (code >= 0xd800 && code <= 0xdfff)
			parts.push(Buffer.from([0xe0 | code >> 12, 0x80 | code >> 6 & 63, 0x80 | code & 63]));
		else
			parts.push(Buffer.from(c, 'utf8'));
	}
	return Buffer.concat(parts);
}

function str(text) {
	const b = bytesOf(text);
	return Buffer.concat([u32(b.length), b]);
}

const handles = new Map();
const handleOf = new Map();

class Writer {
	constructor() {
		this.parts = [];
		this.size = 0;
		this.open = new Set();
	}

	add(b) {
		this.size += b.length;
		if (this.size > MAX_FRAME - 64)
			throw new Refused('size');
		this.parts.push(b);
	}

	tag(c) { this.add(Buffer.from(c, 'latin1')); }

	bytes() { return Buffer.concat(this.parts); }

	integer(v) {
		if (v >= -(1n << 63n) && v < 1n << 63n) {
			const b = Buffer.allocUnsafe(9);
			b[0] = 105; // i
			b.writeBigInt64LE(v, 1);
			this.add(b);
			return;
		}
		const digits = (v < 0n ? -v : v).toString(16);
		if (digits.length > 83048)
			throw new Refused('digits');
		this.tag('I');
		this.add(Buffer.from([v < 0n ? 1 : 0]));
		this.add(str(digits));
	}

	number(v) {
		const b = Buffer.allocUnsafe(9);
		if (Number.isSafeInteger(v)) {
			b[0] = 105; // i
			b.writeInt32LE(v | 0, 1);
			b.writeInt32LE(Math.floor(v / 4294967296), 5);
		} else {
			b[0] = 102; // f
			b.writeDoubleLE(v, 1);
		}
		this.add(b);
	}

	items(tag, list, depth, key) {
		this.tag(tag);
		this.add(u32(list.length));
		for (let i = 0; i < list.length; i++)
			this.value(list[i], depth + 1, key);
	}

	handle(v) {
		let id = handleOf.get(v);
		if (id === undefined) {
			id = handles.size + 1;
			if (id > 10000)
				throw new Refused('handles');
			handles.set(id, v);
			handleOf.set(v, id);
		}
		this.tag('h');
		this.add(u32(id));
		this.add(u32(0));
		this.add(str(typeof v === 'object' && v.constructor && typeof v.constructor.name === 'string' ? v.constructor.name : typeof v));
	}

	// key: in a set or as a key, where an array must be one that cannot change.
	value(v, depth, key) {
		if (v === null || v === undefined)
			return this.tag('N');
		switch (typeof v) {
		case 'boolean': return this.tag(v ? 'T' : 'F');
		case 'number': return this.number(v);
		case 'bigint': return this.integer(v);
		case 'string': this.tag('s'); return this.add(str(v));
		case 'object': break;
		default: return this.handle(v);
		}
		if (v instanceof Number || v instanceof String || v instanceof Boolean)
			return this.value(v.valueOf(), depth, key);
		if (v instanceof Uint8Array) {
			this.tag('b');
			this.add(u32(v.length));
			return this.add(Buffer.from(v));
		}
		const list = Array.isArray(v) || ArrayBuffer.isView(v) && !(v instanceof DataView);
		const prototype = Object.getPrototypeOf(v);
		const plain = prototype === Object.prototype || prototype === null;
		if (!list && !plain && !(v instanceof Set) && !(v instanceof Map))
			return this.handle(v);
		if (this.open.has(v))
			throw new Refused('cycle');
		if (depth > MAX_DEPTH)
			throw new Refused('depth');
		this.open.add(v);
		if (list) {
			this.items(key ? 't' : 'l', v, depth, key);
		} else if (v instanceof Set) {
			this.items(key ? 'Z' : 'S', [...v], depth, true);
		} else {
			const pairs = v instanceof Map ? [...v] : Object.entries(v);
			this.tag('d');
			this.add(u32(pairs.length));
			for (const [k, item] of pairs) {
				this.value(k, depth + 1, true);
				this.value(item, depth + 1, false);
			}
		}
		this.open.delete(v);
	}
}

// --- values in ---
class Reader {
	constructor(bytes, at) {
		this.b = bytes;
		this.at = at;
		this.containers = []; // [tag, object, what it held]
	}

	u32() {
		this.at += 4;
		return this.b.readUInt32LE(this.at - 4);
	}

	u64() {
		const low = this.u32();
		return low + this.u32() * 4294967296;
	}

	raw() {
		const n = this.u32();
		this.at += n;
		return this.b.subarray(this.at - n, this.at);
	}

	text() {
		const raw = this.raw();
		const s = raw.toString('utf8');
		if (!s.includes('\ufffd'))
			return s;
		let out = '';
		for (let i = 0; i < raw.length;) {
			if (raw[i] === 0xed && raw[i + 1] >= 0xa0) {
				out += String.fromCharCode((raw[i] & 15) << 12 | (raw[i + 1] & 63) << 6 | raw[i + 2] & 63);
				i += 3;
				continue;
			}
			let end = i + 1;
			while (end < raw.length && (raw[end] & 0xc0) === 0x80)
				end++;
			out += raw.toString('utf8', i, end);
			i = end;
		}
		return out;
	}

	list(tag) {
		const n = this.u32(), at = this.containers.length, value = [];
		this.containers.push(null);
		for (let i = 0; i < n; i++)
			value.push(this.value());
		this.containers[at] = [tag, value, value.slice()];
		return value;
	}

	value() {
		const tag = String.fromCharCode(this.b[this.at++]);
		switch (tag) {
		case 'N': return null;
		case 'T': return true;
		case 'F': return false;
		case 'i': {
			const v = this.b.readBigInt64LE(this.at);
			this.at += 8;
			const n = Number(v);
			return Number.isSafeInteger(n) ? n : v;
		}
		case 'I': {
			const negative = this.b[this.at++];
			const v = BigInt('0x' + this.raw().toString('latin1'));
			return negative ? -v : v;
		}
		case 'f':
			this.at += 8;
			return this.b.readDoubleLE(this.at - 8);
		case 's': return this.text();
		case 'b': return new Uint8Array(this.raw());
		case 'y': {
			const v = new Uint8Array(this.raw());
			this.containers.push([tag, v, null]);
			return v;
		}
		case 'l': case 't': case 'q': return this.list(tag);
		case 'S': case 'Z': {
			const at = this.containers.length;
			const value = new Set(this.list(tag));
			this.containers[at] = [tag, value, [...value]];
			return value;
		}
		case 'd': case 'C': case 'O': case 'D': {
			const n = this.u32(), at = this.containers.length, pairs = [];
			this.containers.push(null);
			for (let i = 0; i < n; i++) {
				const key = this.value();
				pairs.push([key, this.value()]);
			}
			const plain = pairs.every(([key]) => typeof key === 'string' && key !== '__proto__');
			const value = plain ? Object.fromEntries(pairs) : new Map(pairs);
			this.containers[at] = [tag, value, pairs.flat()];
			return value;
		}
		case 'r': {
			const [start, stop, step] = [Number(this.value()), Number(this.value()), Number(this.value())];
			const value = [];
			for (let i = start; step > 0 ? i < stop : i > stop; i += step)
				value.push(i);
			return value;
		}
		case '@': return this.containers[this.u32()][1];
		case 'h': case 'g': {
			const id = this.u64();
			this.raw();
			return handles.get(id);
		}
		default: throw new Refused('kind');
		}
	}
}

// --- answers ---
function held(value) {
	return Array.isArray(value) ? value : value instanceof Set ? [...value] :
		(value instanceof Map ? [...value] : Object.entries(value)).flat();
}

// Those of the question's containers that are not as they were.
function changes(question, w) {
	const changed = [];
	for (const [number, c] of question.containers.entries()) {
		if (!'lSdCOD'.includes(c[0]))
			continue;
		const now = held(c[1]);
		if (now.length !== c[2].length || now.some((v, i) => !Object.is(v, c[2][i])))
			changed.push([number, c[1]]);
	}
	w.add(u32(changed.length));
	for (const [number, value] of changed) {
		w.add(u32(number));
		w.value(value, 1, false);
	}
}

function returned(value, question) {
	const w = new Writer();
	w.tag('R');
	w.value(value, 1, false);
	if (question)
		changes(question, w);
	else
		w.add(u32(0));
	return w.bytes();
}

function raised(error, op) {
	let name = 'Error', message = '';
	try {
		if (error instanceof Error || typeof error === 'object' && error !== null && 'message' in error) {
			name = String(error.name || 'Error');
			message = String(error.message);
		} else {
			message = String(error);
		}
	} catch (again) {
		message = '';
	}
	let bases = [name, 'Exception', 'BaseException'];
	// What Python would call it, so that a test which wants ValueError can be met: `throw new Error("ValueError: …")`.
	const word = /^([A-Z][A-Za-z]*(?:Error|Exception|Iteration))\b/.exec(message);
	if (word)
		bases.unshift(word[1]);
	if (op === '!' && error instanceof SyntaxError)
		bases = ['SyntaxError', 'Exception'];
	const text = bytesOf(message).subarray(0, 4000);
	const parts = [Buffer.from(op), str(name.slice(0, 200)), u32(text.length), text, u32(bases.length), ...bases.map((b) => str(b.slice(0, 60)))];
	if (op === 'X')
		parts.push(u32(0));
	return Buffer.concat(parts);
}

// --- the program ---
let space = null; // of an ES module

async function load(source) {
	const body = source.replace(/^\uFEFF/, '').replace(/^#!.*/, '');
	const main = new Module(process.cwd() + '/main.js', null);
	main.filename = main.id;
	main.paths = [];
	let script;
	try {
		script = new vm.Script(body, { filename: 'main.js' });
	} catch (error) {
		if (!(error instanceof SyntaxError) || !/^\s*(import|export)\b/m.test(body))
			return raised(error, '!');
		fs.writeFileSync('main.mjs', source);
		try {
			space = await import('file://' + process.cwd() + '/main.mjs');
			return Buffer.from('K');
		} catch (again) {
			return raised(again, '!');
		}
	}
	for (const [name, value] of Object.entries({ module: main, exports: main.exports, require: main.require.bind(main), __filename: main.filename, __dirname: process.cwd() }))
		Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
	globalThis.require.main = main;
	try {
		script.runInThisContext();
	} catch (error) {
		return raised(error, '!');
	}
	return Buffer.from('K');
}

function camel(name) {
	return name.replace(/(?!^)_+([a-zA-Z0-9])/g, (_, c) => c.toUpperCase());
}

function snake(name) {
	return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

// A name as it is given, in camelCase and in snake_case.
function forms(name) {
	const c = camel(name);
	return [name, c, c[0].toLowerCase() + c.slice(1), snake(name)];
}

const absent = Symbol('absent');

function find(name) {
	for (const one of new Set(forms(name))) {
		if (!/^[A-Za-z_$][\w$]*$/.test(one))
			continue;
		if (space) {
			if (one in space)
				return space[one];
			if (space.default && typeof space.default === 'function' && space.default.name === one)
				return space.default;
			continue;
		}
		try {
			const value = vm.runInThisContext(`typeof ${one} === 'undefined' ? undefined : ${one}`);
			if (value !== undefined)
				return value;
		} catch (error) {
			// A reserved word.
		}
		const out = globalThis.module && globalThis.module.exports;
		if (out && typeof out === 'function' && out.name === one)
			return out;
		if (out && (typeof out === 'object' || typeof out === 'function') && out[one] !== undefined)
			return out[one];
	}
	return absent;
}

async function settled(value) {
	return value !== null && typeof value === 'object' && typeof value.then === 'function' ? await value : value;
}

function apply(f, args) {
	if (typeof f === 'function' && /^class\b/.test(Function.prototype.toString.call(f)))
		return new f(...args);
	return f(...args);
}

async function answer(frame) {
	const op = String.fromCharCode(frame[0]);
	const r = new Reader(frame, 1);
	switch (op) {
	case 'L':
		return load(r.text());
	case '?': case '$': {
		const name = r.text();
		const found = find(name);
		if (found === absent)
			return Buffer.concat([Buffer.from('?'), str(name)]);
		if (op === '$')
			return returned(found, null);
		const args = r.value();
		return returned(await settled(apply(found, args)), r);
	}
	case '(': {
		const f = handles.get(r.u64());
		const args = r.value();
		return returned(await settled(apply(f, args)), r);
	}
	case '.': {
		const object = handles.get(r.u64());
		const name = r.text();
		for (const one of new Set(forms(name))) {
			const value = object[one];
			if (value !== undefined)
				return returned(typeof value === 'function' ? value.bind(object) : value, null);
		}
		return raised(Object.assign(new Error(name), { name: 'AttributeError' }), 'X');
	}
	case '=': {
		const object = handles.get(r.u64());
		const name = r.text();
		object[name] = r.value();
		return returned(null, null);
	}
	case '[': {
		const object = handles.get(r.u64());
		return returned(object[r.value()], null);
	}
	case '#':
		return returned(handles.get(r.u64()).length, null);
	case '-':
		for (let n = r.u32(); n > 0; n--) {
			const id = r.u64();
			handleOf.delete(handles.get(id));
			handles.set(id, undefined);
		}
		return Buffer.from('K');
	default:
		throw new Refused('question');
	}
}

async function serve() {
	for (;;) {
		const frame = readExactly(readExactly(4).readUInt32LE(0));
		let said;
		try {
			said = await answer(frame);
		} catch (error) {
			said = error instanceof Refused ? Buffer.concat([Buffer.from('U'), str(error.message)]) : raised(error, 'X');
		}
		send(said);
	}
}

process.on('unhandledRejection', () => {});
serve();
