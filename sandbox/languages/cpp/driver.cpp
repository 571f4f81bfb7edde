// SPDX-License-Identifier: Apache-2.0
// driver.cpp - answers questions about a C++ program over descriptor 3 (docs/formats/frame.md).
//
// It knows nothing of tests: it is compiled together with the program, whose function's own types say how arguments are read.
// All of it stands before the program, so that no macro of the program's reaches it.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace winnow_driver {

extern "C" long winnow_driver_read(int, void *, unsigned long) __asm__("read");
extern "C" long winnow_driver_write(int, const void *, unsigned long) __asm__("write");
extern "C" void winnow_driver_exit(int) __asm__("_exit");

using bytes = std::string;

struct type_error { const char *name, *message; };
[[noreturn]] inline void refuse(const char *message) { throw type_error{ "TypeError", message }; }

// --- values out ---
struct writer {
	bytes out;
	unsigned depth = 0;

	void tag(char c) { out.push_back(c); if (out.size() > (16u << 20) - 64) throw type_error{ "size", nullptr }; }
	void raw(const void *p, std::size_t n) { out.append(static_cast<const char *>(p), n); }
	void u32(std::uint32_t v) { raw(&v, 4); }
	void str(const char *p, std::size_t n) { u32(static_cast<std::uint32_t>(n)); raw(p, n); }
	void str(const bytes &s) { str(s.data(), s.size()); }
	void integer(std::int64_t v) { tag('i'); raw(&v, 8); }
	void text(const bytes &s);
	void enter() { if (++depth > 200) throw type_error{ "depth", nullptr }; }
	void leave() { depth--; }
};

// Text of the program's that is no UTF-8 would break the frame: each such byte becomes U+FFFD.
inline void writer::text(const bytes &s)
{
	bytes clean;

	for (std::size_t i = 0; i < s.size();) {
		unsigned char c = static_cast<unsigned char>(s[i]);
		unsigned n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
		bool good = n && i + n <= s.size();

		for (unsigned k = 1; good && k < n; k++)
			good = (static_cast<unsigned char>(s[i + k]) & 0xc0) == 0x80;
		if (good && n == 3 && c == 0xe0) good = static_cast<unsigned char>(s[i + 1]) >= 0xa0;
		if (good && n == 4 && c == 0xf0) good = static_cast<unsigned char>(s[i + 1]) >= 0x90;
		if (good && n == 4 && c == 0xf4) good = static_cast<unsigned char>(s[i + 1]) < 0x90;
		if (good) {
			clean.append(s, i, n);
			i += n;
		} else {
			clean += "\xef\xbf\xbd";
			i++;
		}
	}
	tag('s');
	str(clean);
}

// --- values in ---
struct reader {
	const char *p, *end;
	std::uint32_t containers = 0;

	unsigned char peek() const { return p < end ? static_cast<unsigned char>(*p) : 0; }
	char tag() { return p < end ? *p++ : '\0'; }
	void raw(void *to, std::size_t n)
	{
		if (static_cast<std::size_t>(end - p) < n)
			winnow_driver_exit(3);
		std::memcpy(to, p, n);
		p += n;
	}
	std::uint32_t u32() { std::uint32_t v; raw(&v, 4); return v; }
	bytes str()
	{
		std::uint32_t n = u32();

		if (static_cast<std::size_t>(end - p) < n)
			winnow_driver_exit(3);
		bytes s(p, n);
		p += n;
		return s;
	}
	std::int64_t i64() { std::int64_t v; raw(&v, 8); return v; }
	double f64() { double v; raw(&v, 8); return v; }
	std::uint32_t sequence()
	{
		char c = tag();

		if (c != 'l' && c != 't' && c != 'S' && c != 'Z' && c != 'q')
			refuse("an argument is no sequence");
		containers++;
		return u32();
	}
	std::uint32_t mapping()
	{
		char c = tag();

		if (c != 'd' && c != 'C' && c != 'O' && c != 'D')
			refuse("an argument is no mapping");
		containers++;
		return u32();
	}
};

template <class T, class = void> struct io;

template <> struct io<bool> {
	static bool in(reader &r)
	{
		char c = r.tag();

		if (c == 'i')
			return r.i64() != 0;
		if (c != 'T' && c != 'F')
			refuse("an argument is no bool");
		return c == 'T';
	}
	static void out(writer &w, bool v) { w.tag(v ? 'T' : 'F'); }
};

template <> struct io<char> {
	static char in(reader &r)
	{
		if (r.peek() == 'i') {
			r.tag();
			return static_cast<char>(r.i64());
		}
		if (r.tag() != 's')
			refuse("an argument is no character");
		bytes s = r.str();
		if (s.size() != 1)
			refuse("an argument is no single character");
		return s[0];
	}
	static void out(writer &w, char v) { w.text(bytes(1, v)); }
};

template <class T> struct io<T, std::enable_if_t<std::is_integral_v<T>>> {
	static T in(reader &r)
	{
		char c = r.tag();
		std::int64_t v = 0;

		if (c == 'T' || c == 'F')
			return static_cast<T>(c == 'T');
		if (c == 'I')
			throw type_error{ "OverflowError", "an integer beyond 64 bits" };
		if (c == 'f') {
			double d = r.f64();

			if (d != std::floor(d) || std::fabs(d) > 9e15)
				refuse("an argument is no integer");
			v = static_cast<std::int64_t>(d);
		} else if (c == 'i') {
			v = r.i64();
		} else {
			refuse("an argument is no integer");
		}
		if (sizeof(T) < 8 && (v < static_cast<std::int64_t>(std::numeric_limits<T>::min()) || v > static_cast<std::int64_t>(std::numeric_limits<T>::max())))
			throw type_error{ "OverflowError", "an integer does not fit the parameter" };
		if (std::is_unsigned_v<T> && v < 0)
			throw type_error{ "OverflowError", "a negative integer for an unsigned parameter" };
		return static_cast<T>(v);
	}
	static void out(writer &w, T v)
	{
		if (std::is_unsigned_v<T> && sizeof(T) == 8 && static_cast<std::uint64_t>(v) >> 63) {
			char digits[17];
			std::uint64_t u = static_cast<std::uint64_t>(v);

			for (int i = 15; i >= 0; i--, u >>= 4)
				digits[i] = "0123456789abcdef"[u & 15];
			w.tag('I');
			w.raw("\0", 1);
			w.str(digits, 16);
			return;
		}
		w.integer(static_cast<std::int64_t>(v));
	}
};

template <class T> struct io<T, std::enable_if_t<std::is_floating_point_v<T>>> {
	static T in(reader &r)
	{
		switch (r.tag()) {
		case 'f': return static_cast<T>(r.f64());
		case 'i': return static_cast<T>(r.i64());
		case 'T': return T(1);
		case 'F': return T(0);
		default: refuse("an argument is no number");
		}
	}
	static void out(writer &w, T v)
	{
		double d = static_cast<double>(v);

		/* The shortest decimal of a float is what its author meant: 0.1f is 0.1. */
		if (sizeof(T) == 4 && std::isfinite(d)) {
			char text[40];

			for (int digits = 1; digits <= 9; digits++) {
				__builtin_snprintf(text, sizeof(text), "%.*g", digits, d);
				if (static_cast<float>(std::strtod(text, nullptr)) == static_cast<float>(d))
					break;
			}
			d = std::strtod(text, nullptr);
		}
		w.tag('f');
		w.raw(&d, 8);
	}
};

template <> struct io<bytes> {
	static bytes in(reader &r)
	{
		char c = r.tag();

		if (c != 's' && c != 'b')
			refuse("an argument is no text");
		return r.str();
	}
	static void out(writer &w, const bytes &v) { w.text(v); }
};

template <> struct io<std::monostate> {
	static std::monostate in(reader &r)
	{
		if (r.tag() != 'N')
			refuse("an argument is not None");
		return {};
	}
	static void out(writer &w, std::monostate) { w.tag('N'); }
};

template <> struct io<std::nullopt_t> {
	static void out(writer &w, std::nullopt_t) { w.tag('N'); }
};

template <> struct io<const char *> {
	static void out(writer &w, const char *v) { if (v) w.text(v); else w.tag('N'); }
};
template <> struct io<char *> : io<const char *> {};

// Sequences, by the container's own insert at its end.
template <class C> struct sequence_io {
	static C in(reader &r)
	{
		C c;

		for (std::uint32_t n = r.sequence(); n > 0; n--)
			c.insert(c.end(), io<typename C::value_type>::in(r));
		return c;
	}
	static void out(writer &w, const C &c, char tag)
	{
		w.enter();
		w.tag(tag);
		w.u32(static_cast<std::uint32_t>(c.size()));
		for (auto at = c.begin(); at != c.end(); ++at)
			io<typename C::value_type>::out(w, *at);
		w.leave();
	}
};
template <class C> struct list_io : sequence_io<C> {
	static void out(writer &w, const C &c) { sequence_io<C>::out(w, c, 'l'); }
};
template <class C> struct map_io {
	static C in(reader &r)
	{
		C c;

		for (std::uint32_t n = r.mapping(); n > 0; n--) {
			auto key = io<typename C::key_type>::in(r);

			c.emplace(std::move(key), io<typename C::mapped_type>::in(r));
		}
		return c;
	}
	static void out(writer &w, const C &c);
};
template <class T, class A> struct io<std::vector<T, A>> : list_io<std::vector<T, A>> {};
template <class T, class A> struct io<std::deque<T, A>> : list_io<std::deque<T, A>> {};
template <class T, class A> struct io<std::list<T, A>> : list_io<std::list<T, A>> {};

// What stands in a set or as a key cannot change: there a vector is a tuple.
template <class T> void out_key(writer &w, const T &v) { io<T>::out(w, v); }
template <class T, class A> void out_key(writer &w, const std::vector<T, A> &v)
{
	w.enter();
	w.tag('t');
	w.u32(static_cast<std::uint32_t>(v.size()));
	for (const auto &item : v)
		out_key<T>(w, item);
	w.leave();
}
template <class C> struct set_io : sequence_io<C> {
	static void out(writer &w, const C &c)
	{
		w.enter();
		w.tag('S');
		w.u32(static_cast<std::uint32_t>(c.size()));
		for (const auto &item : c)
			out_key(w, item);
		w.leave();
	}
};
template <class C> void map_io<C>::out(writer &w, const C &c)
{
	w.enter();
	w.tag('d');
	w.u32(static_cast<std::uint32_t>(c.size()));
	for (const auto &pair : c) {
		out_key(w, pair.first);
		io<typename C::mapped_type>::out(w, pair.second);
	}
	w.leave();
}
template <class... T> struct io<std::set<T...>> : set_io<std::set<T...>> {};
template <class... T> struct io<std::unordered_set<T...>> : set_io<std::unordered_set<T...>> {};
template <class... T> struct io<std::map<T...>> : map_io<std::map<T...>> {};
template <class... T> struct io<std::unordered_map<T...>> : map_io<std::unordered_map<T...>> {};

template <class T, std::size_t N> struct io<std::array<T, N>> {
	static std::array<T, N> in(reader &r)
	{
		std::array<T, N> a{};

		if (r.sequence() != N)
			refuse("a sequence of another length");
		for (auto &item : a)
			item = io<T>::in(r);
		return a;
	}
	static void out(writer &w, const std::array<T, N> &a)
	{
		w.enter();
		w.tag('l');
		w.u32(N);
		for (const auto &item : a)
			io<T>::out(w, item);
		w.leave();
	}
};

template <class... T> struct io<std::tuple<T...>> {
	static std::tuple<T...> in(reader &r)
	{
		if (r.sequence() != sizeof...(T))
			refuse("a tuple of another length");
		/* In braces they are read in their order. */
		return std::tuple<T...>{ io<T>::in(r)... };
	}
	static void out(writer &w, const std::tuple<T...> &t)
	{
		w.enter();
		w.tag('t');
		w.u32(sizeof...(T));
		std::apply([&w](const T &...v) { (io<T>::out(w, v), ...); }, t);
		w.leave();
	}
};
template <class A, class B> struct io<std::pair<A, B>> {
	static std::pair<A, B> in(reader &r)
	{
		if (r.sequence() != 2)
			refuse("a pair of another length");
		return std::pair<A, B>{ io<A>::in(r), io<B>::in(r) };
	}
	static void out(writer &w, const std::pair<A, B> &p)
	{
		w.enter();
		w.tag('t');
		w.u32(2);
		io<A>::out(w, p.first);
		io<B>::out(w, p.second);
		w.leave();
	}
};
template <class T> struct io<std::optional<T>> {
	static std::optional<T> in(reader &r)
	{
		if (r.peek() == 'N') {
			r.tag();
			return std::nullopt;
		}
		return io<T>::in(r);
	}
	static void out(writer &w, const std::optional<T> &v)
	{
		if (v)
			io<T>::out(w, *v);
		else
			w.tag('N');
	}
};

// Whether a variant's member is the natural one for what is to be read; if none is, the first that can be read.
template <class T> bool natural(char c)
{
	if constexpr (std::is_same_v<T, bool>) return c == 'T' || c == 'F';
	else if constexpr (std::is_integral_v<T>) return c == 'i';
	else if constexpr (std::is_floating_point_v<T>) return c == 'f';
	else if constexpr (std::is_same_v<T, bytes>) return c == 's';
	else if constexpr (std::is_same_v<T, std::monostate>) return c == 'N';
	else return c == 'l' || c == 't' || c == 'd' || c == 'S';
}
template <class... T> struct io<std::variant<T...>> {
	using variant = std::variant<T...>;

	template <class One> static bool attempt(reader &r, std::optional<variant> &to)
	{
		reader before = r;

		try {
			to.emplace(io<One>::in(r));
			return true;
		} catch (const type_error &) {
			r = before;
			return false;
		}
	}
	static variant in(reader &r)
	{
		std::optional<variant> to;
		char c = static_cast<char>(r.peek());

		if (!((natural<T>(c) && attempt<T>(r, to)) || ...) && !(attempt<T>(r, to) || ...))
			refuse("an argument is none of the variant's types");
		return *to;
	}
	static void out(writer &w, const variant &v)
	{
		std::visit([&w](const auto &one) { io<std::decay_t<decltype(one)>>::out(w, one); }, v);
	}
};

// --- arguments ---
template <class T> struct argument {
	using value = std::remove_cv_t<std::remove_reference_t<T>>;
	static constexpr bool changes = std::is_lvalue_reference_v<T> && !std::is_const_v<std::remove_reference_t<T>>;
	std::uint32_t number;
	bool container;
	value v;
	bytes before;

	static bytes written(const value &x)
	{
		if constexpr (changes) {
			writer w;

			io<value>::out(w, x);
			return w.out;
		} else {
			return {};
		}
	}
	explicit argument(reader &r)
		: number(r.containers), container(r.peek() == 'l' || r.peek() == 'S' || r.peek() == 'd'), v(io<value>::in(r)), before(written(v))
	{
	}
	T &&give() { return static_cast<T &&>(v); }
	bool changed() const { return changes && container && written(v) != before; }
	void tell(writer &w) const { w.u32(number); w.out += written(v); }
};
template <> struct argument<const char *> {
	bytes v;
	explicit argument(reader &r) : v(io<bytes>::in(r)) {}
	const char *give() { return v.c_str(); }
	bool changed() const { return false; }
	void tell(writer &) const {}
};
template <> struct argument<char *> {
	bytes v;
	explicit argument(reader &r) : v(io<bytes>::in(r)) {}
	char *give() { return v.data(); }
	bool changed() const { return false; }
	void tell(writer &) const {}
};

template <class F> struct signature : signature<decltype(&F::operator())> {};
template <class R, class... A> struct signature<R (*)(A...)> {
	template <class F> static void call(F &&f, reader &r, writer &w)
	{
		if (r.tag() != 't')
			winnow_driver_exit(3);
		r.containers = 1;
		if (r.u32() != sizeof...(A))
			refuse("another number of arguments than the function takes");
		std::tuple<argument<A>...> args{ argument<A>(r)... };
		w.tag('R');
		std::apply([&](argument<A> &...a) {
			if constexpr (std::is_void_v<R>) {
				f(a.give()...);
				w.tag('N');
			} else {
				io<std::remove_cv_t<std::remove_reference_t<R>>>::out(w, f(a.give()...));
			}
			w.u32((0u + ... + static_cast<std::uint32_t>(a.changed())));
			((a.changed() ? a.tell(w) : void()), ...);
		}, args);
	}
};
template <class R, class... A> struct signature<R (*)(A...) noexcept> : signature<R (*)(A...)> {};
template <class C, class R, class... A> struct signature<R (C::*)(A...)> : signature<R (*)(A...)> {};
template <class C, class R, class... A> struct signature<R (C::*)(A...) const> : signature<R (*)(A...)> {};

// --- the channel ---
inline void read_exactly(char *to, std::size_t n)
{
	while (n) {
		long got = winnow_driver_read(3, to, n);

		if (got <= 0)
			winnow_driver_exit(0);
		to += got;
		n -= static_cast<std::size_t>(got);
	}
}

inline void send(const bytes &body)
{
	std::uint32_t n = static_cast<std::uint32_t>(body.size());
	bytes frame(reinterpret_cast<const char *>(&n), 4);
	const char *p;
	std::size_t left;

	frame += body;
	for (p = frame.data(), left = frame.size(); left;) {
		long put = winnow_driver_write(3, p, left);

		if (put <= 0)
			winnow_driver_exit(0);
		p += put;
		left -= static_cast<std::size_t>(put);
	}
}

inline bytes raised(bytes name, bytes message)
{
	writer w;
	std::size_t word = 0;
	std::vector<bytes> bases;

	// What Python would call it: throw std::runtime_error("ValueError: …").
	while (word < message.size() && std::isalpha(static_cast<unsigned char>(message[word])))
		word++;
	if (word > 5 && word < 60 && (message.compare(word - 5, 5, "Error") == 0 || (word > 9 && message.compare(word - 9, 9, "Exception") == 0)))
		bases.push_back(message.substr(0, word));
	bases.push_back(name);
	bases.push_back("Exception");
	bases.push_back("BaseException");
	w.tag('X');
	w.str(name);
	w.str(message.substr(0, 4000));
	w.u32(static_cast<std::uint32_t>(bases.size()));
	for (const auto &base : bases)
		w.str(base);
	w.u32(0);
	return w.out;
}

template <class F> bytes answer(F &f, const bytes &name, const bytes &frame)
{
	reader r{ frame.data() + 1, frame.data() + frame.size() };
	writer w;

	switch (frame[0]) {
	case 'L':
	case '-':
		return "K";
	case '?':
		if (bytes asked = r.str(); asked != name) {
			w.tag('?');
			w.str(asked);
			return w.out;
		}
		break;
	default:
		w.tag('U');
		w.str("question");
		return w.out;
	}
	try {
		signature<std::decay_t<F>>::call(f, r, w);
		return w.out;
	} catch (const type_error &e) {
		if (e.message)
			return raised(e.name, e.message);
		writer u;
		u.tag('U');
		u.str(e.name);
		return u.out;
	} catch (const std::bad_alloc &) {
		return raised("MemoryError", "std::bad_alloc");
	} catch (const std::invalid_argument &e) {
		return raised("ValueError", e.what());
	} catch (const std::out_of_range &e) {
		return raised("IndexError", e.what());
	} catch (const std::overflow_error &e) {
		return raised("OverflowError", e.what());
	} catch (const std::exception &e) {
		return raised("RuntimeError", e.what());
	} catch (const char *message) {
		return raised("RuntimeError", message);
	} catch (const bytes &message) {
		return raised("RuntimeError", message);
	} catch (...) {
		return raised("RuntimeError", "");
	}
}

template <class F> [[noreturn]] void serve(F f, const char *name)
{
	for (;;) {
		std::uint32_t n;
		bytes frame;

		read_exactly(reinterpret_cast<char *>(&n), 4);
		if (!n || n > (16u << 20))
			winnow_driver_exit(3);
		frame.resize(n);
		read_exactly(frame.data(), n);
		send(answer(f, name, frame));
	}
}

} // namespace winnow_driver

#define main winnow_program_main
#include "main.cpp"
#undef main
#include "entry.h"
