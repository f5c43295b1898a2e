// What this browser lacks for a meeting, and in whose app it runs: asked before anything is promised.

/** @typedef {"webrtc" | "devices" | "insecure"} Lack `insecure`: only the address is in the way */

/** Names that apps put into the user agent of the browser they bring along; some lend it no camera. */
const IN_APP =
  /MicroMessenger|wxwork|\bQQ\/|DingTalk|AlipayClient|Lark|Feishu|aweme|NewsArticle|Weibo|baiduboxapp|XiaoHongShu/i;

/**
 * The first thing that is missing; null when one can meet with it. Without "webrtc" nothing is seen or heard either.
 * @param {Window & typeof globalThis} [browser] @returns {Lack | null}
 */
export function findLack(browser = window) {
  const canConnect =
    typeof browser.RTCPeerConnection === "function" && "addTransceiver" in browser.RTCPeerConnection.prototype;
  if (!canConnect || typeof browser.WebSocket !== "function") return "webrtc";
  if (typeof browser.navigator.mediaDevices?.getUserMedia === "function") return null;
  return browser.isSecureContext ? "devices" : "insecure";
}

/** Whether the page is shown inside another app, such as WeChat, which has a way out to a browser in its corner. */
export function isInApp(userAgent = navigator.userAgent) {
  return IN_APP.test(userAgent);
}
