// telegram-test-api 4.2.1 as a server of its own, its replies repaired where the Bot API's pages say
// otherwise. Prints its address. `node second_server.cjs raw` leaves the replies as they are.
'use strict';

const http = require('http');
const TelegramServer = require('telegram-test-api');

const HOLD_MS = 1000;

const server = new TelegramServer();
const answer = server.webServer.response.json;

// By method; each takes a result and the request, and gives the result that the Bot API documents.
const repairs = {
  // User.is_bot is not optional: without it no client of today can start.
  getMe: (user) => ({ ...user, is_bot: true }),
  // CallbackQuery.chat_instance is not optional.
  getUpdates: (updates) => updates.map((update) => (update.callback_query
    ? {
      ...update,
      callback_query: {
        ...update.callback_query,
        chat_instance: String(update.callback_query.message.chat.id),
      },
    }
    : update)),
  // Message.date is in seconds, not milliseconds, and a negative id is a group, not a private chat.
  sendMessage: (message) => ({
    ...message,
    date: Math.floor(message.date / 1000),
    chat: { ...message.chat, type: message.chat.id < 0 ? 'supergroup' : 'private' },
  }),
  // An edit gives the edited message, not null.
  editMessageText: edited,
  editMessageReplyMarkup: edited,
  // These give true, not null.
  answerCallbackQuery: () => true,
  deleteMessage: () => true,
};

function edited(_result, request) {
  const { chat_id: chat, message_id: id, text } = request.body;
  return {
    message_id: Number(id),
    date: Math.floor(Date.now() / 1000),
    chat: { id: Number(chat), type: Number(chat) < 0 ? 'supergroup' : 'private' },
    ...(text === undefined ? {} : { text }),
  };
}

function repaired(body) {
  const [, method] = /^\/bot[^/]+\/(\w+)/.exec(this.req.path) || [];
  if (!body.ok || !repairs[method]) {
    answer.call(this, body);
    return;
  }
  // A poll with nothing to give is held open, not answered at once: the bot would spin.
  if (method === 'getUpdates' && body.result.length === 0 && !this.held) {
    this.held = true;
    const take = () => this.json({ ok: true, result: server.getUpdates(this.req.params.token) });
    const timer = setTimeout(take, HOLD_MS);
    server.waitUserMessage().then(() => {
      clearTimeout(timer);
      if (!this.headersSent) take();
    });
    return;
  }
  answer.call(this, { ...body, result: repairs[method](body.result, this.req) });
}

if (process.argv[2] !== 'raw') server.webServer.response.json = repaired;

// Not server.start(): that one takes no free port, and forgets messages after a minute.
const listener = http.createServer(server.webServer);
listener.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${listener.address().port}\n`);
});
