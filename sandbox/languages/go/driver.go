// SPDX-License-Identifier: Apache-2.0

// driver.go - answers questions about a Go program over descriptor 3 (docs/formats/frame.md).
//
// It knows nothing of tests: it is compiled into the program's own package and serves from init(), before main();
// the types of the program's function say how arguments are read.
package main

import (
	winnowBinary "encoding/binary"
	winnowFmt "fmt"
	winnowMath "math"
	winnowBig "math/big"
	winnowOS "os"
	winnowReflect "reflect"
	winnowStrconv "strconv"
	winnowStrings "strings"
)

const winnowMaxFrame = 16 << 20

type winnowRefused string
type winnowTypeError string

// --- values out ---
type winnowWriter struct {
	b     []byte
	depth int
}

func (w *winnowWriter) tag(c byte) {
	if len(w.b) > winnowMaxFrame-64 {
		panic(winnowRefused("size"))
	}
	w.b = append(w.b, c)
}

func (w *winnowWriter) u32(n int) {
	w.b = winnowBinary.LittleEndian.AppendUint32(w.b, uint32(n))
}

func (w *winnowWriter) str(s string) {
	w.u32(len(s))
	w.b = append(w.b, s...)
}

func (w *winnowWriter) integer(v *winnowBig.Int) {
	if v.IsInt64() {
		w.tag('i')
		w.b = winnowBinary.LittleEndian.AppendUint64(w.b, uint64(v.Int64()))
		return
	}
	w.tag('I')
	sign := byte(0)
	if v.Sign() < 0 {
		sign = 1
	}
	w.b = append(w.b, sign)
	w.str(new(winnowBig.Int).Abs(v).Text(16))
}

func (w *winnowWriter) items(tag byte, v winnowReflect.Value, key bool) {
	w.tag(tag)
	w.u32(v.Len())
	for i := 0; i < v.Len(); i++ {
		w.value(v.Index(i), key)
	}
}

var winnowBigType = winnowReflect.TypeOf(winnowBig.Int{})

// key: in a set or as a key, where a slice is a tuple.
func (w *winnowWriter) value(v winnowReflect.Value, key bool) {
	w.depth++
	if w.depth > 200 {
		panic(winnowRefused("depth"))
	}
	defer func() { w.depth-- }()
	if !v.IsValid() {
		w.tag('N')
		return
	}
	if v.Type() == winnowBigType {
		i := new(winnowBig.Int)
		if v.CanAddr() {
			i = v.Addr().Interface().(*winnowBig.Int)
		} else {
			c := v.Interface().(winnowBig.Int)
			i = &c
		}
		w.integer(i)
		return
	}
	list := byte('l')
	if key {
		list = 't'
	}
	switch v.Kind() {
	case winnowReflect.Bool:
		if v.Bool() {
			w.tag('T')
		} else {
			w.tag('F')
		}
	case winnowReflect.Int, winnowReflect.Int8, winnowReflect.Int16, winnowReflect.Int32, winnowReflect.Int64:
		w.integer(winnowBig.NewInt(v.Int()))
	case winnowReflect.Uint, winnowReflect.Uint8, winnowReflect.Uint16, winnowReflect.Uint32, winnowReflect.Uint64, winnowReflect.Uintptr:
		w.integer(new(winnowBig.Int).SetUint64(v.Uint()))
	case winnowReflect.Float32:
		// The shortest decimal is what its author meant: float32(0.1) is 0.1.
		f, _ := winnowStrconv.ParseFloat(winnowStrconv.FormatFloat(v.Float(), 'g', -1, 32), 64)
		w.tag('f')
		w.b = winnowBinary.LittleEndian.AppendUint64(w.b, winnowMath.Float64bits(f))
	case winnowReflect.Float64:
		w.tag('f')
		w.b = winnowBinary.LittleEndian.AppendUint64(w.b, winnowMath.Float64bits(v.Float()))
	case winnowReflect.String:
		w.tag('s')
		w.str(winnowStrings.ToValidUTF8(v.String(), "\ufffd"))
	case winnowReflect.Slice, winnowReflect.Array:
		w.items(list, v, key)
	case winnowReflect.Map:
		set := v.Type().Elem().Kind() == winnowReflect.Struct && v.Type().Elem().NumField() == 0
		if set {
			w.tag('S')
		} else {
			w.tag('d')
		}
		w.u32(v.Len())
		for at := v.MapRange(); at.Next(); {
			w.value(at.Key(), true)
			if !set {
				w.value(at.Value(), false)
			}
		}
	case winnowReflect.Struct:
		w.tag('t')
		w.u32(v.NumField())
		for i := 0; i < v.NumField(); i++ {
			w.value(v.Field(i), key)
		}
	case winnowReflect.Pointer, winnowReflect.Interface:
		if v.IsNil() {
			w.tag('N')
			return
		}
		w.value(v.Elem(), key)
	default:
		w.tag('h')
		w.b = append(w.b, 1, 0, 0, 0, 0, 0, 0, 0)
		w.str(v.Kind().String())
	}
}

// --- values in ---
type winnowReader struct {
	b          []byte
	at         int
	containers int
}

func (r *winnowReader) tag() byte { r.at++; return r.b[r.at-1] }
func (r *winnowReader) u32() int {
	r.at += 4
	return int(winnowBinary.LittleEndian.Uint32(r.b[r.at-4:]))
}
func (r *winnowReader) u64() uint64 {
	r.at += 8
	return winnowBinary.LittleEndian.Uint64(r.b[r.at-8:])
}
func (r *winnowReader) str() string {
	n := r.u32()
	r.at += n
	return string(r.b[r.at-n : r.at])
}

func (r *winnowReader) integer(c byte) *winnowBig.Int {
	switch c {
	case 'i':
		return winnowBig.NewInt(int64(r.u64()))
	case 'I':
		negative := r.tag() == 1
		v, _ := new(winnowBig.Int).SetString(r.str(), 16)
		if negative {
			v.Neg(v)
		}
		return v
	case 'T':
		return winnowBig.NewInt(1)
	case 'F':
		return winnowBig.NewInt(0)
	case 'f':
		f := winnowMath.Float64frombits(r.u64())
		if f == winnowMath.Trunc(f) && winnowMath.Abs(f) < 9e15 {
			return winnowBig.NewInt(int64(f))
		}
	}
	panic(winnowTypeError("an argument is no integer"))
}

func (r *winnowReader) sequence() int {
	switch r.tag() {
	case 'l', 't', 'S', 'Z', 'q':
		r.containers++
		return r.u32()
	}
	panic(winnowTypeError("an argument is no sequence"))
}

// What an argument is where the program takes any type.
func (r *winnowReader) any() winnowReflect.Value {
	of := func(v any) winnowReflect.Type { return winnowReflect.TypeOf(v) }
	var t winnowReflect.Type
	switch r.b[r.at] {
	case 'N':
		r.tag()
		return winnowReflect.Zero(winnowReflect.TypeOf((*any)(nil)).Elem())
	case 'T', 'F':
		t = of(false)
	case 'i':
		t = of(0)
	case 'I':
		t = of((*winnowBig.Int)(nil))
	case 'f':
		t = of(0.0)
	case 's', 'b':
		t = of("")
	case 'd', 'C', 'O', 'D':
		t = of(map[any]any(nil))
	case 'S', 'Z':
		t = of(map[any]struct{}(nil))
	default:
		t = of([]any(nil))
	}
	return r.value(t)
}

func (r *winnowReader) value(t winnowReflect.Type) winnowReflect.Value {
	v := winnowReflect.New(t).Elem()
	if t == winnowBigType {
		v.Set(winnowReflect.ValueOf(r.integer(r.tag())).Elem())
		return v
	}
	switch t.Kind() {
	case winnowReflect.Bool:
		v.SetBool(r.integer(r.tag()).Sign() != 0)
	case winnowReflect.Int, winnowReflect.Int8, winnowReflect.Int16, winnowReflect.Int32, winnowReflect.Int64:
		c := r.tag()
		if c == 's' {
			runes := []rune(r.str())
			if t.Kind() != winnowReflect.Int32 || len(runes) != 1 {
				panic(winnowTypeError("an argument is no integer"))
			}
			v.SetInt(int64(runes[0]))
			break
		}
		i := r.integer(c)
		if !i.IsInt64() || v.OverflowInt(i.Int64()) {
			panic(winnowTypeError("an integer does not fit the parameter"))
		}
		v.SetInt(i.Int64())
	case winnowReflect.Uint, winnowReflect.Uint8, winnowReflect.Uint16, winnowReflect.Uint32, winnowReflect.Uint64:
		c := r.tag()
		if c == 's' {
			s := r.str()
			if t.Kind() != winnowReflect.Uint8 || len(s) != 1 {
				panic(winnowTypeError("an argument is no integer"))
			}
			v.SetUint(uint64(s[0]))
			break
		}
		i := r.integer(c)
		if !i.IsUint64() || v.OverflowUint(i.Uint64()) {
			panic(winnowTypeError("an integer does not fit the parameter"))
		}
		v.SetUint(i.Uint64())
	case winnowReflect.Float32, winnowReflect.Float64:
		c := r.tag()
		if c == 'f' {
			v.SetFloat(winnowMath.Float64frombits(r.u64()))
		} else {
			f, _ := new(winnowBig.Float).SetInt(r.integer(c)).Float64()
			v.SetFloat(f)
		}
	case winnowReflect.String:
		if c := r.tag(); c != 's' && c != 'b' {
			panic(winnowTypeError("an argument is no text"))
		}
		v.SetString(r.str())
	case winnowReflect.Slice:
		if c := r.b[r.at]; t.Elem().Kind() == winnowReflect.Uint8 && (c == 's' || c == 'b') || t.Elem().Kind() == winnowReflect.Int32 && c == 's' {
			r.tag()
			v.Set(winnowReflect.ValueOf(r.str()).Convert(t))
			break
		}
		n := r.sequence()
		v.Set(winnowReflect.MakeSlice(t, 0, n))
		for i := 0; i < n; i++ {
			v.Set(winnowReflect.Append(v, r.value(t.Elem())))
		}
	case winnowReflect.Array:
		if r.sequence() != t.Len() {
			panic(winnowTypeError("a sequence of another length"))
		}
		for i := 0; i < t.Len(); i++ {
			v.Index(i).Set(r.value(t.Elem()))
		}
	case winnowReflect.Struct:
		if r.sequence() != t.NumField() {
			panic(winnowTypeError("a tuple of another length"))
		}
		for i := 0; i < t.NumField(); i++ {
			item := r.value(t.Field(i).Type)
			if !v.Field(i).CanSet() {
				panic(winnowTypeError("a field of the struct begins with a small letter"))
			}
			v.Field(i).Set(item)
		}
	case winnowReflect.Map:
		v.Set(winnowReflect.MakeMap(t))
		switch c := r.b[r.at]; c {
		case 'S', 'Z':
			for n := r.sequence(); n > 0; n-- {
				item := winnowReflect.New(t.Elem()).Elem()
				if item.Kind() == winnowReflect.Bool {
					item.SetBool(true)
				}
				v.SetMapIndex(r.value(t.Key()), item)
			}
		case 'd', 'C', 'O', 'D':
			r.tag()
			r.containers++
			for n := r.u32(); n > 0; n-- {
				k := r.value(t.Key())
				v.SetMapIndex(k, r.value(t.Elem()))
			}
		default:
			panic(winnowTypeError("an argument is no mapping"))
		}
	case winnowReflect.Pointer:
		if r.b[r.at] == 'N' {
			r.tag()
			break
		}
		v.Set(winnowReflect.New(t.Elem()))
		v.Elem().Set(r.value(t.Elem()))
	case winnowReflect.Interface:
		if t.NumMethod() != 0 {
			panic(winnowTypeError("a parameter of an interface type"))
		}
		one := r.any()
		if one.Kind() != winnowReflect.Interface || !one.IsNil() {
			v.Set(one)
		}
	default:
		panic(winnowTypeError("a parameter of a type that no argument has"))
	}
	return v
}

// --- answers ---
func winnowRaised(name, message string) []byte {
	w := &winnowWriter{}
	bases := []string{name, "Exception", "BaseException"}
	if word, _, found := winnowStrings.Cut(message, ":"); found && len(word) < 60 && (winnowStrings.HasSuffix(word, "Error") || winnowStrings.HasSuffix(word, "Exception")) {
		bases = append([]string{word}, bases...)
	}
	if len(message) > 4000 {
		message = message[:4000]
	}
	w.tag('X')
	w.str(name)
	w.str(message)
	w.u32(len(bases))
	for _, base := range bases {
		w.str(base)
	}
	w.u32(0)
	return w.b
}

var winnowErrorType = winnowReflect.TypeOf((*error)(nil)).Elem()

type winnowArgument struct {
	number int
	value  winnowReflect.Value
	before []byte
}

func winnowEncoded(v winnowReflect.Value) []byte {
	w := &winnowWriter{}
	w.value(v, false)
	return w.b
}

func winnowCall(f winnowReflect.Value, r *winnowReader) (said []byte) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case winnowRefused:
			w := &winnowWriter{}
			w.tag('U')
			w.str(string(p))
			said = w.b
		case winnowTypeError:
			said = winnowRaised("TypeError", string(p))
		case error:
			said = winnowRaised("RuntimeError", p.Error())
		default:
			said = winnowRaised("RuntimeError", winnowFmt.Sprint(p))
		}
	}()
	t := f.Type()
	r.tag()
	r.containers = 1
	n := r.u32()
	if n != t.NumIn() && !(t.IsVariadic() && n >= t.NumIn()-1) {
		return winnowRaised("TypeError", "another number of arguments than the function takes")
	}
	var args []winnowReflect.Value
	var held []winnowArgument
	for i := 0; i < n; i++ {
		in := t.In(t.NumIn() - 1)
		if t.IsVariadic() && i >= t.NumIn()-1 {
			in = in.Elem()
		} else {
			in = t.In(i)
		}
		number, c := r.containers, r.b[r.at]
		v := r.value(in)
		args = append(args, v)
		if c == 'l' || c == 'S' || c == 'd' {
			held = append(held, winnowArgument{number, v, winnowEncoded(v)})
		}
	}
	results := f.Call(args)
	if n := len(results); n > 0 && t.Out(n-1) == winnowErrorType {
		if err, _ := results[n-1].Interface().(error); err != nil {
			return winnowRaised("ValueError", err.Error())
		}
		results = results[:n-1]
	}
	w := &winnowWriter{}
	w.tag('R')
	switch len(results) {
	case 0:
		w.tag('N')
	case 1:
		w.value(results[0], false)
	default:
		w.tag('t')
		w.u32(len(results))
		for _, one := range results {
			w.value(one, false)
		}
	}
	var changed []winnowArgument
	for _, one := range held {
		now := winnowEncoded(one.value)
		if one.value.Kind() == winnowReflect.Map && len(now) == len(one.before) {
			// Their order is never the same: compared by content.
			again := &winnowReader{b: one.before}
			if winnowReflect.DeepEqual(again.value(one.value.Type()).Interface(), one.value.Interface()) {
				continue
			}
		} else if string(now) == string(one.before) {
			continue
		}
		one.before = now
		changed = append(changed, one)
	}
	w.u32(len(changed))
	for _, one := range changed {
		w.u32(one.number)
		w.b = append(w.b, one.before...)
	}
	return w.b
}

// --- the channel ---
func winnowReadExactly(channel *winnowOS.File, n int) []byte {
	b := make([]byte, n)
	for at := 0; at < n; {
		got, err := channel.Read(b[at:])
		if err != nil || got == 0 {
			winnowOS.Exit(0)
		}
		at += got
	}
	return b
}

func winnowServe(f any, name string) {
	channel := winnowOS.NewFile(3, "channel")
	for {
		n := winnowBinary.LittleEndian.Uint32(winnowReadExactly(channel, 4))
		if n == 0 || n > winnowMaxFrame {
			winnowOS.Exit(3)
		}
		r := &winnowReader{b: winnowReadExactly(channel, int(n)), at: 1}
		var said []byte
		switch r.b[0] {
		case 'L', '-':
			said = []byte("K")
		case '?':
			if asked := r.str(); asked != name {
				w := &winnowWriter{}
				w.tag('?')
				w.str(asked)
				said = w.b
			} else {
				said = winnowCall(winnowReflect.ValueOf(f), r)
			}
		default:
			w := &winnowWriter{}
			w.tag('U')
			w.str("question")
			said = w.b
		}
		frame := append(winnowBinary.LittleEndian.AppendUint32(nil, uint32(len(said))), said...)
		if _, err := channel.Write(frame); err != nil {
			winnowOS.Exit(0)
		}
	}
}
