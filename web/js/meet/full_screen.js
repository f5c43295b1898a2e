// Full screen for a video, also where it goes by other names: iPhones fill the screen with a video only, older iPads by
// prefix.

/**
 * @typedef {HTMLVideoElement & {
 *   webkitRequestFullscreen?: () => void, webkitEnterFullscreen?: () => void, webkitExitFullscreen?: () => void,
 *   webkitDisplayingFullscreen?: boolean,
 * }} Video
 */
/** @typedef {Document & {webkitFullscreenElement?: Element | null, webkitExitFullscreen?: () => void}} Page */

/** Whether this browser can do it at all. @param {Video} video */
export function canFillScreen(video) {
  return Boolean(video.requestFullscreen ?? video.webkitRequestFullscreen ?? video.webkitEnterFullscreen);
}

/** Fills the screen with the video, or gives the page back. @param {Video} video */
export async function toggleFullScreen(video) {
  /** @type {Page} */
  const page = document;
  if (page.fullscreenElement) return page.exitFullscreen();
  if (page.webkitFullscreenElement) return page.webkitExitFullscreen?.();
  if (video.webkitDisplayingFullscreen) return video.webkitExitFullscreen?.();
  try {
    if (video.requestFullscreen) return await video.requestFullscreen();
  } catch {
    // Refused for elements, as in the frames of other apps: the video's own way may still be open.
  }
  if (video.webkitRequestFullscreen) video.webkitRequestFullscreen();
  else video.webkitEnterFullscreen?.(); // throws before the first picture, when there is nothing to show
}
