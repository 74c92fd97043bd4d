// The official MCP server as a child process, with the official client library before it. Reads one
// call a line, {"tool": …, "arguments": …}, and answers each with a line: the tool's result.

import readline from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const PATIENCE_MS = 120_000;

const program = new URL('node_modules/@sentry/mcp-server/dist/index.js', import.meta.url);
const transport = new StdioClientTransport({
  command: process.execPath,
  args: [
    program.pathname,
    `--host=${process.env.SENTRY_HOST}`,
    '--insecure-http',
    `--access-token=${process.env.SENTRY_AUTH_TOKEN}`,
    '--disable-skills=seer',
  ],
  env: { PATH: process.env.PATH, HOME: process.env.HOME },
});
const client = new Client({ name: 'mini-sentry-test', version: '1.0.0' });
await client.connect(transport, { timeout: PATIENCE_MS });

const { tools } = await client.listTools(undefined, { timeout: PATIENCE_MS });
console.log(JSON.stringify(tools.map((tool) => tool.name)));

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { tool, arguments: given } = JSON.parse(line);
  const call = { name: tool, arguments: given };
  const result = await client.callTool(call, undefined, { timeout: PATIENCE_MS });
  console.log(JSON.stringify(result));
}
await client.close();
