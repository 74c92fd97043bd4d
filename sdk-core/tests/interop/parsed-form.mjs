// The neutral parsed form of an envelope, made by `parseEnvelope` of `@sentry/core`.
//
// `{header, items: [{header, payload}]}`, where a payload is its JSON where the item holds
// JSON, else `{text}`, else `{base64}`. As a program it reads an envelope on stdin and writes
// the form to stdout. No code of this project is involved.

import { readFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseEnvelope } from '@sentry/core';

const BINARY = new Set(['attachment', 'replay_recording', 'replay_video', 'unreal_report']);

export function parsed(body) {
  const [header, items] = parseEnvelope(new Uint8Array(body));
  return { header, items: items.map(([head, content]) => ({ header: head, payload: payload(head, content) })) };
}

function payload(header, content) {
  if (!(content instanceof Uint8Array)) {
    return content;
  }
  const bytes = Buffer.from(content);
  if (bytes.length !== header.length) {
    throw new Error(`length is ${header.length}, but ${bytes.length} bytes follow`);
  }
  const text = decode(bytes);
  if (text === undefined) {
    return { base64: bytes.toString('base64') };
  }
  if (!BINARY.has(header.type)) {
    try {
      return JSON.parse(text);
    } catch {
      return { text };
    }
  }
  return { text };
}

function decode(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(JSON.stringify(parsed(readFileSync(0))));
}
