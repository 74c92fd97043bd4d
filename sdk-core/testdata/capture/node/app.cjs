// Makes `@sentry/node` send one case: `node app.cjs CASE`, with the DSN in `SENTRY_DSN`.

'use strict';

const http = require('node:http');
const Sentry = require('@sentry/node');

const MONITOR = {
  schedule: { type: 'interval', value: 10, unit: 'minute' },
  checkinMargin: 5,
  maxRuntime: 30,
  timezone: 'Europe/Berlin',
  failureIssueThreshold: 2,
  recoveryThreshold: 3,
};

class PaymentError extends Error {
  name = 'PaymentError';
}

function init(options = {}) {
  Sentry.init({
    release: 'shop@1.2.3+45',
    environment: 'staging',
    dist: '45',
    serverName: 'host-1',
    sendClientReports: false,
    integrations: (all) => all.filter((one) => one.name !== 'ProcessSession'),
    ...options,
  });
}

const withSession = { integrations: (all) => all };

function loadOrder(number) {
  throw new RangeError(`order ${number} is not known`);
}

function attempt(action) {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

const cases = {
  message() {
    init();
    Sentry.setTag('shop.region', 'eu');
    Sentry.setTags({ feature: 'checkout', attempt: 3 });
    Sentry.setUser({ id: 'user-42', email: 'a@example.com', username: 'user-42', ip_address: '192.0.2.7' });
    Sentry.setContext('order', { id: 4711, items: ['book', 'pen'], paid: false });
    Sentry.setExtra('cart', { total: 12.5, note: 'naïve ☂ 🚀' });
    Sentry.addBreadcrumb({ category: 'ui', message: 'opened the cart', level: 'info', data: { n: 1 } });
    Sentry.withScope((scope) => {
      scope.setFingerprint(['checkout', '{{ default }}']);
      scope.setTransactionName('checkout');
      Sentry.captureMessage('the cart could not be saved', 'warning');
    });
  },

  parameterized() {
    init();
    Sentry.captureMessage(Sentry.parameterize`order ${4711} of ${'user-42'} was lost`, 'error');
  },

  exception() {
    init();
    Sentry.captureException(attempt(() => loadOrder(4711)));
  },

  chained() {
    init();
    const cause = attempt(() => loadOrder(4711));
    const middle = new TypeError('no price', { cause });
    Sentry.captureException(new PaymentError('payment of order 4711 failed', { cause: middle }));
  },

  aggregate() {
    init();
    const inner = new AggregateError([new Error('a'), new TypeError('b')], 'lower');
    Sentry.captureException(new AggregateError([new RangeError('first'), inner], 'two tasks failed'));
  },

  'not-an-error'() {
    init();
    Sentry.captureException({ code: 7, reason: 'thrown as a plain object' });
  },

  async unhandled() {
    init(withSession);
    setTimeout(() => loadOrder(4711), 1);
    await forever();
  },

  async 'unhandled-rejection'() {
    init(withSession);
    Promise.reject(new PaymentError('nobody waited'));
    await turn();
  },

  breadcrumbs() {
    init();
    console.warn('stock of', 'pen', 'is low');
    Sentry.addBreadcrumb({ type: 'navigation', category: 'route', data: { from: '/a', to: '/b' } });
    Sentry.addBreadcrumb({
      type: 'http',
      category: 'fetch',
      data: { url: 'http://api.example.com/1', method: 'GET', status_code: 500 },
    });
    Sentry.captureMessage('after some steps');
  },

  attachment() {
    init();
    Sentry.withScope((scope) => {
      scope.addAttachment({ filename: 'log.txt', data: 'line one\nline two\r\n', contentType: 'text/plain' });
      scope.addAttachment({ filename: 'raw.bin', data: Uint8Array.from({ length: 256 }, (_, i) => i) });
      Sentry.captureMessage('with attachments');
    });
  },

  transaction() {
    init({ tracesSampleRate: 1, traceLifecycle: 'static' });
    Sentry.startSpan({ name: 'import orders', op: 'task', attributes: { rows: 3 } }, (root) => {
      Sentry.setMeasurement('memory', 12.5, 'megabyte');
      Sentry.startSpan({ name: 'SELECT * FROM orders', op: 'db' }, () =>
        Sentry.startSpan({ name: 'order:4711', op: 'cache.get' }, (span) => span.setStatus({ code: 2, message: 'not_found' })),
      );
      Sentry.startSpan({ name: 'GET http://api.example.com/1', op: 'http.client' }, (span) =>
        Sentry.setHttpStatus(span, 500),
      );
      root.addLink({
        context: { traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef', traceFlags: 1 },
        attributes: { 'sentry.link.type': 'previous_trace' },
      });
    });
  },

  spans() {
    init({ tracesSampleRate: 1 });
    Sentry.startSpan({ name: 'import orders', op: 'task', attributes: { rows: 3, list: ['a', 'b'] } }, () => {
      Sentry.startSpan({ name: 'SELECT * FROM orders', op: 'db' }, () => {});
      Sentry.startSpan({ name: 'GET http://api.example.com/1', op: 'http.client' }, (span) =>
        span.setStatus({ code: 2, message: 'internal_error' }),
      );
    });
  },

  // Two requests through the HTTP layer: an error event and session aggregates.
  async request() {
    init({ ...withSession, sendDefaultPii: true, tracesSampleRate: 1, traceLifecycle: 'static' });
    const server = http.createServer((request, response) => {
      request.resume();
      request.on('end', () => {
        if (request.url.startsWith('/fail')) {
          Sentry.captureException(new PaymentError('no money'), { mechanism: { type: 'http', handled: false } });
          response.statusCode = 500;
        }
        response.end('ok');
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    for (const path of ['/ok', '/fail']) {
      await post(server.address().port, `${path}?page=2&sort=a%20b`);
    }
    await new Promise((resolve) => server.close(resolve));
  },

  // Init and exit of the process session, with one handled error between.
  async session() {
    init(withSession);
    Sentry.setUser({ id: 'user-42' });
    Sentry.captureException(attempt(() => loadOrder(1)));
    Sentry.captureSession();
    Sentry.endSession();
  },

  checkin() {
    init();
    const checkInId = Sentry.captureCheckIn({ monitorSlug: 'nightly', status: 'in_progress' }, MONITOR);
    Sentry.captureCheckIn({ checkInId, monitorSlug: 'nightly', status: 'ok', duration: 12.25 }, MONITOR);
  },

  logs() {
    init({ enableLogs: true });
    Sentry.setUser({ id: 'user-42' });
    Sentry.logger.trace('very fine');
    Sentry.logger.debug('fine');
    Sentry.logger.info(Sentry.logger.fmt`order ${4711} saved in ${2.5} ms`);
    Sentry.logger.warn('stock is low', { item: 'pen', left: 2, urgent: true });
    Sentry.logger.error('order lost');
    Sentry.logger.fatal('no disk left ☂');
  },

  metrics() {
    init();
    Sentry.metrics.count('orders', 2, { attributes: { region: 'eu', retry: false } });
    Sentry.metrics.gauge('queue.depth', 17, { unit: 'item' });
    Sentry.metrics.distribution('order.time', 12.5, { unit: 'millisecond', attributes: { n: 3 } });
  },

  feedback() {
    init();
    const associatedEventId = Sentry.captureMessage('something is wrong');
    Sentry.captureFeedback(
      {
        message: 'the button does nothing\nat all',
        name: 'user-42',
        email: 'a@example.com',
        url: 'http://shop.example.com/cart',
        source: 'widget',
        associatedEventId,
        tags: { page: 'cart' },
      },
      { attachments: [{ filename: 'screen.png', data: Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10), contentType: 'image/png' }] },
    );
  },

  'client-report'() {
    init({ sendClientReports: true, beforeSend: () => null, tracesSampleRate: 0, traceLifecycle: 'static' });
    Sentry.captureMessage('never sent');
    Sentry.captureMessage('never sent');
    Sentry.startSpan({ name: 'not sampled', op: 'task' }, () => {});
  },

  // Prints the trace headers that outgoing requests would carry.
  headers() {
    init({ tracesSampleRate: 1, traceLifecycle: 'static', orgId: '7' });
    Sentry.startSpan({ name: 'import orders, all', op: 'task' }, () => {
      for (const [name, text] of Object.entries(Sentry.getTraceData({ propagateTraceparent: true }))) {
        console.log(`${name}: ${text}`);
      }
    });
    Sentry.startNewTrace(() => {
      for (const [name, text] of Object.entries(Sentry.getTraceData({ propagateTraceparent: true }))) {
        console.log(`${name}: ${text}`);
      }
    });
  },
};

function post(port, path) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        port,
        host: '127.0.0.1',
        path,
        method: 'POST',
        headers: {
          host: 'shop.example.com',
          'user-agent': 'browser/1.0',
          cookie: 'theme=dark; session=s-1',
          authorization: 'Bearer token-1',
          'content-type': 'application/json',
        },
      },
      (response) => {
        response.resume();
        response.on('end', resolve);
      },
    );
    request.on('error', reject);
    request.end('{"item": "pen"}');
  });
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

function forever() {
  return new Promise((resolve) => setTimeout(resolve, 60_000));
}

async function main() {
  const name = process.argv[2];
  if (name === '--list') {
    console.log(Object.keys(cases).join('\n'));
    return;
  }
  await cases[name]();
  await Sentry.flush(5000);
  await Sentry.close(5000);
}

main();
