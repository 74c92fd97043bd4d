// Checks envelopes against their expected form with `parseEnvelope` of `@sentry/core`.
//
//     check.mjs DIR
//
// For each `NAME.envelope` in DIR there is a `NAME.expected.json` in the form that
// `parsed-form.mjs` describes. Headers and payloads must be equal, value by value. Only `length`
// is not part of what is expected: every item must have one, and `check.py` counts the bytes.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { parsed } from './parsed-form.mjs';

function differences(expected, found, path = '') {
  const at = (key) => (path ? `${path}.${key}` : String(key));
  if (Array.isArray(expected) && Array.isArray(found)) {
    const lines = [];
    if (expected.length !== found.length) {
      lines.push(`${path}: expected ${expected.length} entries, found ${found.length}`);
    }
    const shared = Math.min(expected.length, found.length);
    for (let index = 0; index < shared; index += 1) {
      lines.push(...differences(expected[index], found[index], at(index)));
    }
    return lines;
  }
  if (isMap(expected) && isMap(found)) {
    const lines = [];
    for (const key of [...new Set([...Object.keys(expected), ...Object.keys(found)])].sort()) {
      if (!Object.hasOwn(found, key)) {
        lines.push(`${at(key)}: missing, expected ${short(expected[key])}`);
      } else if (!Object.hasOwn(expected, key)) {
        lines.push(`${at(key)}: not expected, found ${short(found[key])}`);
      } else {
        lines.push(...differences(expected[key], found[key], at(key)));
      }
    }
    return lines;
  }
  return expected === found ? [] : [`${path}: expected ${short(expected)}, found ${short(found)}`];
}

function isMap(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function short(value) {
  const text = JSON.stringify(value);
  return text.length <= 200 ? text : `${text.slice(0, 200)}… (${text.length} characters)`;
}

function missingLengths(form) {
  return form.items.flatMap(({ header }, index) =>
    Number.isInteger(header.length) ? [] : [`items.${index}.header.length: missing`],
  );
}

function withoutLengths(form) {
  const items = form.items.map(({ header: { length, ...header }, ...rest }) => ({ header, ...rest }));
  return { ...form, items };
}

function check(folder, name) {
  try {
    const expected = JSON.parse(readFileSync(join(folder, `${name}.expected.json`), 'utf8'));
    const found = parsed(readFileSync(join(folder, `${name}.envelope`)));
    return [...missingLengths(found), ...differences(expected, withoutLengths(found))];
  } catch (error) {
    return [String(error)];
  }
}

function main(folder) {
  const files = readdirSync(folder).sort();
  const names = files.filter((file) => file.endsWith('.envelope')).map((file) => file.slice(0, -'.envelope'.length));
  let passed = 0;
  let failed = 0;
  for (const name of names) {
    const lines = check(folder, name);
    if (lines.length === 0) {
      passed += 1;
    } else {
      failed += 1;
      console.log([`${name}.envelope:`, ...lines].join('\n  '));
    }
  }
  for (const file of files) {
    if (file.endsWith('.expected.json') && !names.includes(file.slice(0, -'.expected.json'.length))) {
      failed += 1;
      console.log(`${file}: has no envelope`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || names.length === 0 ? 1 : 0;
}

if (argv.length !== 3) {
  console.error('usage: check.mjs DIR');
  exit(2);
}
exit(main(argv[2]));
