// Draws the bell, the star and the seven. Each symbol fills a square of 100 by 100.

import { glaze, radial, shade, shine } from "./brush.js";

export function bell(pen) {
  // The ring, then the clapper behind the body, then the body, then the rim.
  pen.strokeStyle = "#b46a00";
  pen.lineWidth = 4.5;
  pen.beginPath();
  pen.arc(50, 15, 6, 0, Math.PI * 2);
  pen.stroke();
  pen.fillStyle = radial(pen, 47, 82, 12, ["#ffe9a3", "#d08a12", "#7c4a00"]);
  pen.beginPath();
  pen.arc(50, 84, 8.5, 0, Math.PI * 2);
  pen.fill();
  const body = new Path2D();
  body.moveTo(50, 18);
  body.bezierCurveTo(73, 18, 74, 40, 76, 54);
  body.bezierCurveTo(77, 64, 83, 68, 88, 74);
  body.lineTo(12, 74);
  body.bezierCurveTo(17, 68, 23, 64, 24, 54);
  body.bezierCurveTo(26, 40, 27, 18, 50, 18);
  pen.fillStyle = shade(pen, 14, 0, 88, 0, ["#b86e00", "#ffd667", "#fff3bf", "#f6b52c", "#a85f00"]);
  pen.fill(body);
  glaze(pen, body, "#7a4300");
  pen.save();
  pen.clip(body);
  pen.fillStyle = shade(pen, 20, 0, 80, 0, ["#8f1220", "#e4394a", "#ff7d84", "#cf2438", "#7d0d1a"]);
  pen.fillRect(10, 50, 80, 9);
  pen.restore();
  const rim = new Path2D();
  rim.roundRect(9, 70, 82, 10, 5);
  pen.fillStyle = shade(pen, 9, 0, 91, 0, ["#a15b00", "#ffcf55", "#fff1b8", "#eba51c", "#8f4f00"]);
  pen.fill(rim);
  glaze(pen, rim, "#7a4300");
  shine(pen, 39, 36, 5, 12, 0.25);
}

export function star(pen) {
  const corner = (place) => {
    const radius = place % 2 ? 20 : 46;
    const angle = -Math.PI / 2 + (place * Math.PI) / 5;
    return [50 + radius * Math.cos(angle), 53 + radius * Math.sin(angle)];
  };
  const edge = new Path2D();
  for (let place = 0; place < 10; place += 1) {
    edge.lineTo(...corner(place));
  }
  edge.closePath();
  pen.lineJoin = "round";
  pen.lineWidth = 6;
  pen.strokeStyle = "#0b4f8a";
  pen.stroke(edge);
  // Facets: the light comes from the top left.
  const bright = ["#bff1ff", "#2ba3e6", "#1b7fc8", "#1470b8", "#0e5ea3", "#1470b8", "#2ba3e6", "#5cc8f7", "#8fdffc", "#e4fbff"];
  for (let place = 0; place < 10; place += 1) {
    pen.beginPath();
    pen.moveTo(50, 53);
    pen.lineTo(...corner(place));
    pen.lineTo(...corner(place + 1));
    pen.closePath();
    pen.fillStyle = pen.strokeStyle = bright[place];
    pen.lineWidth = 0.6;
    pen.fill();
    pen.stroke();
  }
  pen.strokeStyle = "#eafaffcc";
  pen.lineWidth = 1.4;
  pen.stroke(edge);
  shine(pen, 41, 38, 9, 5, -0.7);
}

export function seven(pen) {
  const path = new Path2D();
  path.moveTo(17, 13);
  path.lineTo(84, 13);
  path.bezierCurveTo(86, 13, 87, 15, 87, 17);
  path.lineTo(87, 29);
  path.bezierCurveTo(70, 47, 60, 66, 57, 88);
  path.bezierCurveTo(57, 90, 55, 91, 53, 91);
  path.lineTo(33, 91);
  path.bezierCurveTo(31, 91, 30, 90, 30, 88);
  path.bezierCurveTo(34, 67, 45, 49, 61, 34);
  path.bezierCurveTo(49, 32, 38, 33, 29, 40);
  path.bezierCurveTo(27, 41, 25, 41, 23, 40);
  path.lineTo(15, 37);
  path.bezierCurveTo(13, 36, 13, 35, 13, 33);
  path.lineTo(13, 17);
  path.bezierCurveTo(13, 15, 15, 13, 17, 13);
  pen.lineJoin = "round";
  pen.lineWidth = 9;
  pen.strokeStyle = shade(pen, 0, 8, 0, 96, ["#fff0a8", "#f2b01e", "#a25c00"]);
  pen.stroke(path);
  pen.fillStyle = shade(pen, 20, 10, 60, 92, ["#ff6b6b", "#e01b32", "#8d0820"]);
  pen.fill(path);
  glaze(pen, path, "#5a0414");
  pen.save();
  pen.clip(path);
  pen.fillStyle = "#ffffff3d";
  pen.beginPath();
  pen.ellipse(46, 14, 44, 11, 0, 0, Math.PI * 2);
  pen.fill();
  pen.restore();
}
