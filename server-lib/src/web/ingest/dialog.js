(function (settings) {
  "use strict";
  var text = settings.text;

  function make(tag, attributes, content) {
    var element = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) {
      element.setAttribute(name, attributes[name]);
    });
    if (content) {
      element.textContent = content;
    }
    return element;
  }

  var backdrop = make("div", { "class": "sentry-error-embed-wrapper" });
  backdrop.style.cssText =
    "position:fixed;inset:0;z-index:2147483647;overflow:auto;background:rgba(20,20,30,.6)";
  var form = make("form", {
    "class": "sentry-error-embed",
    role: "dialog",
    "aria-modal": "true",
    "aria-labelledby": "mini-sentry-title",
  });
  form.style.cssText =
    "box-sizing:border-box;max-width:32rem;margin:3rem auto;padding:1.5rem;border-radius:.5rem;" +
    "background:#fff;color:#1d1b26;font:16px/1.5 system-ui,sans-serif";
  form.appendChild(make("h2", { id: "mini-sentry-title" }, text.title));
  form.appendChild(make("p", {}, text.subtitle + " " + text.subtitle2));
  var message = make("p", { role: "alert" });
  form.appendChild(message);

  function field(tag, name, label, value, attributes) {
    var line = make("label", {}, label);
    line.style.cssText = "display:block;margin-top:.75rem";
    var input = make(tag, attributes);
    input.name = name;
    input.required = true;
    input.value = value;
    input.style.cssText = "display:block;box-sizing:border-box;width:100%;padding:.5rem;font:inherit";
    line.appendChild(input);
    form.appendChild(line);
    return input;
  }

  var name = field("input", "name", text.labelName, settings.user.name, { type: "text", maxlength: "128" });
  var email = field("input", "email", text.labelEmail, settings.user.email, { type: "email", maxlength: "128" });
  var comments = field("textarea", "comments", text.labelComments, "", { rows: "5", maxlength: "4096" });
  var send = make("button", { type: "submit" }, text.labelSubmit);
  var leave = make("button", { type: "button", "class": "close" }, text.labelClose);
  [send, leave].forEach(function (button) {
    button.style.cssText = "margin:1rem .5rem 0 0;padding:.5rem 1rem;font:inherit";
    form.appendChild(button);
  });

  function close() {
    document.removeEventListener("keydown", onKey);
    backdrop.remove();
    if (typeof window.sentryErrorEmbedClosed === "function") {
      window.sentryErrorEmbedClosed();
    }
    window.postMessage("__sentry_reportdialog_closed__", "*");
  }

  function onKey(event) {
    if (event.key === "Escape") {
      close();
    }
  }

  leave.addEventListener("click", close);
  document.addEventListener("keydown", onKey);
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    send.disabled = true;
    var request = new XMLHttpRequest();
    request.open("POST", settings.endpoint);
    request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.onloadend = function () {
      send.disabled = false;
      if (request.status === 200) {
        while (form.firstChild) {
          form.removeChild(form.firstChild);
        }
        form.appendChild(make("p", { role: "status" }, text.successMessage));
        leave.textContent = text.labelClose;
        form.appendChild(leave);
        leave.focus();
      } else {
        message.textContent = request.status === 400 ? text.errorFormEntry : text.errorGeneric;
      }
    };
    request.send(
      [name, email, comments]
        .map(function (input) {
          return input.name + "=" + encodeURIComponent(input.value);
        })
        .join("&")
    );
  });

  backdrop.appendChild(form);
  document.body.appendChild(backdrop);
  (name.value ? (email.value ? comments : email) : name).focus();
})
