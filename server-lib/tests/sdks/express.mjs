// An Express program whose route fails; calls it once and prints what was sent, as JSON.

import * as Sentry from '@sentry/node';

const ids = {};

Sentry.init({
  dsn: process.env.SENTRY_DSN,
  release: 'shop@1.2.3',
  environment: 'staging',
  sendDefaultPii: true,
  beforeSend(event) {
    ids[event.message ? 'message' : 'exception'] = event.event_id;
    return event;
  },
});

const { default: express } = await import('express');
const app = express();
app.get('/orders/:number', (request) => {
  Sentry.addBreadcrumb({ category: 'cart', message: 'opened the cart' });
  Sentry.setTag('shard', 'eu-3');
  Sentry.setUser({ id: '42', username: 'user-42' });
  throw new TypeError(`no order ${request.params.number}`, { cause: new Error('the shelf is empty') });
});
Sentry.setupExpressErrorHandler(app);

const server = app.listen(0, '127.0.0.1', async () => {
  await fetch(`http://127.0.0.1:${server.address().port}/orders/17?coupon=WINTER`);
  Sentry.captureMessage('stock is low', 'warning');
  await Sentry.flush(5000);
  console.log(JSON.stringify(ids));
  server.close();
  process.exit(0);
});
