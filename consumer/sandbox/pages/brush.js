// Strokes that several symbols have in common.

/** Return a gradient around a point. The colours are spread evenly. */
export function radial(pen, x, y, radius, colours) {
  return spread(pen.createRadialGradient(x, y, 0, x, y, radius), colours);
}

/** Return a gradient along a line. The colours are spread evenly. */
export function shade(pen, x0, y0, x1, y1, colours) {
  return spread(pen.createLinearGradient(x0, y0, x1, y1), colours);
}

/** Draw a soft inner edge, which makes a flat shape round. */
export function glaze(pen, path, colour) {
  pen.save();
  pen.clip(path);
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.28;
  pen.lineWidth = 7;
  pen.stroke(path);
  pen.globalAlpha = 0.5;
  pen.lineWidth = 2.4;
  pen.stroke(path);
  pen.restore();
}

/** Draw a bright spot, as of a lamp. */
export function shine(pen, x, y, radiusX, radiusY, angle) {
  pen.save();
  pen.translate(x, y);
  pen.rotate(angle);
  pen.scale(radiusX, radiusY);
  pen.fillStyle = radial(pen, 0, 0, 1, ["#ffffffee", "#ffffffaa", "#ffffff00"]);
  pen.beginPath();
  pen.arc(0, 0, 1, 0, Math.PI * 2);
  pen.fill();
  pen.restore();
}

function spread(gradient, colours) {
  colours.forEach((colour, place) => gradient.addColorStop(place / (colours.length - 1), colour));
  return gradient;
}
