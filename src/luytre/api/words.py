"""What the door says about a request, in the languages people use.

Promises   each cause here has a message (what happened) and a hint (what to do) in each language, with the same
           {facts} in both.
Does not   hold the causes of streams and gaps: `luytre.cameras.reasons` does.
"""

from __future__ import annotations

from collections.abc import Mapping

from luytre.base.errors import Kind
from luytre.cameras.reasons import Language, Words

# Kinds come first: they speak for every cause that has no sentence of its own.
_VI: Mapping[str, Words] = {
    Kind.INVALID: Words("Yêu cầu không hợp lệ", "Kiểm tra lại thông tin đã nhập."),
    Kind.UNAUTHENTICATED: Words("Bạn chưa đăng nhập hoặc phiên đã hết hạn", "Đăng nhập lại."),
    Kind.FORBIDDEN: Words("Bạn chưa được cấp quyền này", "Nhờ người quản trị của địa bàn cấp quyền."),
    Kind.NOT_FOUND: Words("Không tìm thấy thứ bạn cần", "Kiểm tra lại địa chỉ hoặc tải lại trang."),
    Kind.CONFLICT: Words("Có người vừa thay đổi hoặc đã dùng thông tin này", "Tải lại trang rồi thử lại."),
    Kind.GONE: Words("Dữ liệu này đã hết thời gian lưu", "Xem lịch để biết những ngày còn hình."),
    Kind.TOO_MANY: Words("Có quá nhiều yêu cầu cùng lúc", "Chờ một phút rồi thử lại."),
    Kind.UNAVAILABLE: Words(
        "Hệ thống chưa làm được việc này lúc này", "Chờ một phút rồi thử lại; nếu vẫn vậy, báo kỹ thuật viên."
    ),
    Kind.DATA_LOSS: Words(
        "Một phần dữ liệu bị mất hoặc hỏng", "Báo kỹ thuật viên chạy `luytre check --repair`."
    ),
    Kind.INTERNAL: Words(
        "Hệ thống gặp sự cố khi xử lý yêu cầu", "Thử lại; nếu vẫn vậy, báo kỹ thuật viên xem nhật ký máy chủ."
    ),
    "wrong_password": Words(
        "Tên hoặc mật khẩu không đúng", "Nhập lại; nếu quên mật khẩu, nhờ người quản trị đặt mật khẩu mới."
    ),
    "locked": Words(
        "Tài khoản tạm khóa vì nhập sai nhiều lần", "Thử lại sau {wait}, hoặc nhờ người quản trị giúp."
    ),
    "missing_right": Words(
        "Bạn chưa được cấp quyền {right}", "Nhờ người quản trị của địa bàn cấp quyền này."
    ),
    "bad_reader_name": Words("Tên phần mềm không hợp lệ", "Dùng chữ và số, nhiều nhất 64 ký tự."),
    "bad_days": Words("Số ngày không hợp lệ", "Cho một số trên 0, nhiều nhất 3660, hoặc bỏ trống."),
    "no_cameras": Words("Khóa không mở camera nào", "Chọn ít nhất một camera, hoặc tất cả."),
    "reader_exists": Words("Đã có phần mềm đọc mang tên này", "Chọn tên khác, hoặc thu khóa cũ trước."),
    "reader_unknown": Words("Không có phần mềm đọc này", "Tải lại danh sách; có thể khóa đã được thu."),
    "wrong_reader_key": Words("Tên hoặc khóa không đúng", "Kiểm tra cả hai, hoặc xin khóa mới."),
    "other_camera": Words("Khóa này không mở camera này", "Nhờ người quản trị tạo khóa cho camera này."),
    "no_fresh_picture": Words(
        "Camera chưa có hình mới", "Xem trong danh sách camera vì sao không ghi được, rồi thử lại."
    ),
    "csrf": Words("Trang này đã cũ so với phiên đăng nhập", "Tải lại trang rồi làm lại."),
    "other_origin": Words(
        "Yêu cầu đến từ một trang web khác", "Mở trực tiếp trang của hệ thống rồi làm lại."
    ),
    "no_camera": Words(
        "Không có camera này", "Chọn camera trong danh sách; có thể mã đã đổi hoặc camera đã bị xóa."
    ),
    "no_stream": Words("Camera này không có luồng hình được chọn", "Chọn luồng chính của camera."),
    "camera_exists": Words("Mã camera này đã được dùng", "Chọn mã khác, hoặc sửa camera đang có."),
    "bad_code": Words("Mã camera không hợp lệ", "Dùng chữ, số, dấu chấm và gạch nối, ví dụ DK-01."),
    "not_onvif": Words(
        "Thiết bị ở địa chỉ này không trả lời theo ONVIF",
        "Kiểm tra cổng và bật ONVIF trong cài đặt của camera; một số hãng đòi tạo riêng người dùng ONVIF.",
    ),
    "not_supported": Words("Camera này không làm được việc đó", "Dùng trang cài đặt của chính camera."),
    "onvif_fault": Words(
        "Camera từ chối yêu cầu", "Kiểm tra lại giá trị; nếu lặp lại, khởi động lại camera."
    ),
    "discovering": Words("Hệ thống đang dò tìm camera", "Chờ nửa phút rồi xem lại."),
    "no_multicast": Words(
        "Không dò tìm được trên mạng",
        "Kiểm tra máy chủ có ở cùng mạng với camera không, và cổng UDP 3702 có bị chương trình khác giữ không.",
    ),
    "bad_move": Words(
        "Lệnh xoay chưa đúng",
        "Tốc độ từ -1 đến 1; vị trí thu phóng từ 0 đến 1; mỗi lần xoay không quá 10 giây.",
    ),
    "bad_imaging": Words("Camera không có thiết lập hình này", "Chọn trong những giá trị mà camera đang có."),
    "bad_osd": Words("Chữ trên hình chưa đúng", "Tải lại các dòng chữ của camera rồi sửa lại."),
    "bad_mask": Words("Vùng che chưa đúng", "Vẽ lại vùng che nằm trong hình, từ 3 đến 32 góc."),
    "bad_ntp": Words(
        "Đây không phải máy chủ thời gian", "Viết tên máy hoặc địa chỉ IP, ví dụ của chính máy chủ này."
    ),
    "bad_onvif": Words(
        "Đây không phải địa chỉ của camera ONVIF", "Viết tên máy, hoặc http://MÁY/onvif/device_service."
    ),
    "no_onvif": Words(
        "Chưa biết địa chỉ ONVIF của camera này",
        "Nhập địa chỉ ONVIF trong trang của camera, hoặc dò tìm lại.",
    ),
    "bad_url": Words("Đây không phải địa chỉ camera", "Viết theo dạng rtsp://MÁY/ĐƯỜNG-DẪN."),
    "no_class": Words(
        "Không có lớp lưu trữ này", "Chọn một lớp trong danh sách; các lớp nằm trong luytre.toml."
    ),
    "no_volume": Words("Không có ổ lưu này", "Chọn một ổ trong danh sách, hoặc để hệ thống tự chọn."),
    "bad_hours": Words(
        "Giờ ghi hình viết chưa đúng", "Viết như Mon-Fri 18:00-06:00; Sat,Sun 00:00-24:00 (Mon là thứ hai)."
    ),
    "bad_roll": Words(
        "Thời gian giữ trước hoặc sau sự kiện chưa đúng",
        "Trước sự kiện 0 đến 30 giây, sau sự kiện 1 đến 300 giây.",
    ),
    "too_long": Words("Có ô quá dài hoặc chứa ký tự lạ", "Viết ngắn lại rồi gửi lại."),
    "too_many_tickets": Words(
        "Phiên này đã tạo quá nhiều liên kết", "Đăng xuất rồi đăng nhập lại để hủy các liên kết cũ."
    ),
    "logged_out": Words("Phiên đăng nhập đã kết thúc", "Đăng nhập lại."),
    "database_down": Words(
        "Cơ sở dữ liệu của hệ thống không trả lời", "Báo kỹ thuật viên kiểm tra cơ sở dữ liệu và ổ đĩa."
    ),
    "wrong_key": Words(
        "Không mở được mật khẩu đã lưu của camera",
        "Nhập lại mật khẩu của camera, hoặc khôi phục tệp node.key.",
    ),
    "bad_field": Words("Ô “{field}” chưa đúng", "Sửa ô này rồi gửi lại."),
    "bad_body": Words("Nội dung gửi lên không đọc được", "Gửi nội dung dạng JSON."),
    "body_too_large": Words("Nội dung gửi lên quá lớn", "Gửi không quá 64 KB."),
    "bad_time": Words("Thời điểm “{field}” chưa đúng", "Viết như 2026-11-22T14:05:00+07:00."),
    "bad_date": Words("Ngày này chưa đúng", "Viết như 2026-11-22."),
    "end_before_start": Words("Thời điểm cuối không sau thời điểm đầu", "Chọn lại thời điểm đầu và cuối."),
    "span_too_long": Words("Khoảng thời gian dài hơn một ngày", "Chia thành các đoạn tối đa 25 giờ."),
    "nothing_recorded": Words(
        "Không có hình nào trong khoảng thời gian này", "Hình gần nhất là lúc {nearest}."
    ),
    "never_recorded": Words(
        "Camera này chưa có hình nào được ghi", "Xem trang Camera để biết vì sao chưa ghi."
    ),
    "outside_ticket": Words(
        "Liên kết này chỉ dùng cho camera và khoảng thời gian khác", "Nhờ người gửi tạo liên kết mới."
    ),
    "no_such_address": Words(
        "Không có địa chỉ này", "Kiểm tra lại địa chỉ; tài liệu nằm trong ref/openapi.json."
    ),
    "wrong_method": Words(
        "Địa chỉ này không nhận cách gọi đó", "Kiểm tra lại cách gọi trong ref/openapi.json."
    ),
    "bad_range": Words("Phần được yêu cầu nằm ngoài tệp", "Mở lại video từ đầu."),
    "no_certificate": Words(
        "Ngày này không có giấy chứng nhận", "Giấy được lập trong vòng nửa giờ sau khi hết ngày."
    ),
}

_EN: Mapping[str, Words] = {
    Kind.INVALID: Words("The request is not valid", "Check what was entered."),
    Kind.UNAUTHENTICATED: Words("You are not logged in, or the session has ended", "Log in again."),
    Kind.FORBIDDEN: Words("You do not have this right", "Ask the ward's administrator for it."),
    Kind.NOT_FOUND: Words("It is not there", "Check the address, or reload the page."),
    Kind.CONFLICT: Words("Somebody has just changed or already uses this", "Reload the page and try again."),
    Kind.GONE: Words("This is past its retention", "The calendar shows which days still have pictures."),
    Kind.TOO_MANY: Words("There are too many requests at once", "Wait a minute and try again."),
    Kind.UNAVAILABLE: Words(
        "The node cannot do this right now", "Wait a minute and try again; else tell the technician."
    ),
    Kind.DATA_LOSS: Words(
        "Some data is lost or damaged", "Ask the technician to run `luytre check --repair`."
    ),
    Kind.INTERNAL: Words(
        "The node failed at this request", "Try again; else ask the technician to read the node's log."
    ),
    "wrong_password": Words(
        "The name or the password is wrong", "Try again, or ask the administrator for a new password."
    ),
    "locked": Words(
        "The account is locked after several wrong passwords",
        "Try again in {wait}, or ask the administrator.",
    ),
    "missing_right": Words("You do not have the right to {right}", "Ask the ward's administrator for it."),
    "bad_reader_name": Words("This cannot be a reader's name", "Use letters and digits, at most 64."),
    "bad_days": Words("This is no number of days", "Give a number above 0 and at most 3660, or none."),
    "no_cameras": Words("A key for no camera opens nothing", "Choose at least one camera, or all."),
    "reader_exists": Words(
        "There is a reader of this name", "Choose another name, or remove that one first."
    ),
    "reader_unknown": Words("There is no such reader", "Load the list again; its key may have been removed."),
    "wrong_reader_key": Words("Name or key is wrong", "Check both, or ask for a new key."),
    "other_camera": Words("This key is not for this camera", "Ask an administrator for a key for it."),
    "no_fresh_picture": Words(
        "The camera has no new picture", "See in the list of cameras why it does not record, and try again."
    ),
    "csrf": Words("This page is older than the session", "Reload the page and do it again."),
    "other_origin": Words(
        "The request comes from another web site", "Open this node's own page and do it there."
    ),
    "no_camera": Words(
        "There is no such camera", "Choose one from the list; its code may have changed, or it was removed."
    ),
    "no_stream": Words("The camera has no such stream", "Choose the camera's main stream."),
    "camera_exists": Words("This camera code is taken", "Choose another, or change the camera that has it."),
    "bad_code": Words("This is not a camera code", "Use letters, digits, dots and hyphens, such as DK-01."),
    "not_onvif": Words(
        "What answers at this address does not speak ONVIF",
        "Check the port, and switch ONVIF on in the camera's settings; some makers want an ONVIF user of its own.",
    ),
    "not_supported": Words("This camera cannot do that", "Use the camera's own pages."),
    "onvif_fault": Words("The camera refuses", "Check the values; restart the camera if it repeats."),
    "discovering": Words("The node is searching for cameras already", "Wait half a minute and look again."),
    "no_multicast": Words(
        "The network cannot be searched",
        "Check that the node is in the cameras' network, and that no other program holds UDP port 3702.",
    ),
    "bad_move": Words(
        "The camera cannot be turned like that",
        "Moves are -1 to 1, a zoom position 0 to 1, and a move lasts at most 10 seconds.",
    ),
    "bad_imaging": Words("The camera has no such picture setting", "Choose among what it shows it has."),
    "bad_osd": Words(
        "The text in the picture is not right", "Read the camera's texts again, and change those."
    ),
    "bad_mask": Words("The mask is not right", "Draw it again inside the picture, with 3 to 32 corners."),
    "bad_ntp": Words(
        "This is not a time server", "Write a host name or an IP address, such as the node's own."
    ),
    "bad_onvif": Words(
        "This is not the address of an ONVIF camera", "Write its host, or http://HOST/onvif/device_service."
    ),
    "no_onvif": Words(
        "The node does not know where this camera speaks ONVIF",
        "Enter its ONVIF address on the camera's page, or search for it.",
    ),
    "bad_url": Words("This is not the address of a camera", "Write it as rtsp://HOST/PATH."),
    "no_class": Words("There is no such retention class", "Choose one of the list; they are in luytre.toml."),
    "no_volume": Words("There is no such volume", "Choose one of the list, or leave the choice to the node."),
    "bad_hours": Words(
        "These are no recording hours", "Write them like Mon-Fri 18:00-06:00; Sat,Sun 00:00-24:00."
    ),
    "bad_roll": Words(
        "The time kept before or after an event is not right", "0 to 30 s before it, 1 to 300 s after it."
    ),
    "too_long": Words("A field is too long or has strange characters in it", "Shorten it and send it again."),
    "too_many_tickets": Words(
        "This session has made too many links", "Log out and in again: that ends the old ones."
    ),
    "logged_out": Words("The session has ended", "Log in again."),
    "database_down": Words(
        "The node's database does not answer", "Ask the technician to check the database and the disk."
    ),
    "wrong_key": Words(
        "The stored password of the camera cannot be opened", "Enter it again, or restore the file node.key."
    ),
    "bad_field": Words("The field “{field}” is not right", "Correct it and send it again."),
    "bad_body": Words("What was sent cannot be read", "Send JSON."),
    "body_too_large": Words("What was sent is too large", "Send at most 64 KB."),
    "bad_time": Words("The time “{field}” is not right", "Write it as 2026-11-22T14:05:00+07:00."),
    "bad_date": Words("This is not a date", "Write it as 2026-11-22."),
    "end_before_start": Words("The end is not after the start", "Choose start and end again."),
    "span_too_long": Words("The span is longer than a day", "Ask for pieces of at most 25 hours."),
    "nothing_recorded": Words("Nothing was recorded in this span", "The nearest picture is of {nearest}."),
    "never_recorded": Words("Nothing has been recorded of this camera yet", "The Cameras page says why."),
    "outside_ticket": Words("This link is for another camera or span", "Ask its sender for a new one."),
    "no_such_address": Words("There is nothing at this address", "Check it against ref/openapi.json."),
    "wrong_method": Words(
        "This address is not called that way", "Check the method against ref/openapi.json."
    ),
    "bad_range": Words("The requested part is outside of the file", "Start the video again."),
    "no_certificate": Words(
        "This day has no certificate", "It is made within half an hour after the day has ended."
    ),
}

WORDS: Mapping[Language, Mapping[str, Words]] = {"vi": _VI, "en": _EN}

RIGHTS: Mapping[Language, Mapping[str, str]] = {
    "vi": {
        "live": "xem trực tiếp",
        "playback": "xem lại",
        "export": "trích xuất hình",
        "configure": "thay đổi cấu hình",
        "ptz": "xoay camera",
    },
    "en": {
        "live": "watch live",
        "playback": "play recordings",
        "export": "take recordings away",
        "configure": "change the configuration",
        "ptz": "turn cameras",
    },
}


def duration(seconds: float, language: Language) -> str:
    """`4 phút`, `40 giây`: rounded up, so that waiting that long is enough."""
    whole = max(1, int(-(-seconds // 1)))
    if whole < 60:
        return f"{whole} giây" if language == "vi" else f"{whole} s"
    return f"{-(-whole // 60)} phút" if language == "vi" else f"{-(-whole // 60)} min"
